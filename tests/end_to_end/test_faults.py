"""Functions and callers that do harm: each gets the error that the protocol asks for, and the next call works."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from Algorithmia.errors import AlgorithmException

from .deployment import CLOUD_KEYS, HIDDEN, Deployment, runs, until

MANIFEST = Path(__file__).parent / "faults" / "fleet.toml"
SECRET = "what only faults/Act may know"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module")
def fleet() -> Iterator[Deployment]:
    deployment = Deployment()
    deployment.environment["TOKEN_OF_THE_TESTS"] = SECRET
    try:
        deployment.up(MANIFEST)
        yield deployment
    finally:
        deployment.close()


def fault(fleet: Deployment, function: str, **input: Any) -> AlgorithmException:
    """The error of one call; the next call of the same function works."""
    with pytest.raises(AlgorithmException) as caught:
        fleet.call(function, input)
    assert fleet.call(function, ["the next"]) == ["the next"]
    return caught.value


@pytest.mark.parametrize("key", ["wrong", ""])
def test_a_wrong_or_missing_key_is_a_401_in_the_envelope(fleet: Deployment, key: str) -> None:
    answer = fleet.post("faults/Act", key=key, json=1)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 2002
    assert fleet.call("faults/Act", 1) == 1


def test_an_unknown_function_is_error_1001(fleet: Deployment) -> None:
    with pytest.raises(AlgorithmException, match="No such algorithm"):
        fleet.call("faults/Nothing")
    answer = fleet.post("faults/Act/9.*", json=1)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, 1001)
    assert fleet.call("faults/Act", 1) == 1


def test_a_body_that_is_no_json_is_a_parsing_error(fleet: Deployment) -> None:
    answer = fleet.post("faults/Act", data="{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["error_type"]) == (200, "ParsingError")
    assert fleet.call("faults/Act", 1) == 1


def test_an_apply_that_raises_is_told_with_its_message_and_trace(fleet: Deployment) -> None:
    error = fault(fleet, "faults/Act", do="fail", message="bad luck")
    assert (error.error_type, error.message) == ("AlgorithmError", "bad luck")
    assert "ValueError" in error.stack_trace


def test_one_that_exits_is_an_algorithm_error_that_says_so(fleet: Deployment) -> None:
    error = fault(fleet, "faults/Act", do="leave", code=3)
    assert error.error_type == "AlgorithmError"
    assert "exit code 3" in error.message


def test_one_that_asks_for_more_than_its_memory_is_out_of_memory(fleet: Deployment) -> None:
    assert fault(fleet, "faults/Small", do="allocate", mib=400).error_type == "OutOfMemoryError"


@as_root
def test_one_that_the_kernel_kills_for_its_memory_is_out_of_memory(fleet: Deployment) -> None:
    assert fault(fleet, "faults/Small", do="share", mib=200).error_type == "OutOfMemoryError"


def test_one_that_exceeds_its_time_is_a_timeout_and_its_replica_is_replaced(fleet: Deployment) -> None:
    fleet.call("faults/Brief", 1)
    (before,) = fleet.pids("faults/Brief")
    began = time.monotonic()
    assert fault(fleet, "faults/Brief", do="sleep", seconds=60).error_type == "TimeoutError"
    assert time.monotonic() - began < 15
    until(lambda: not runs(before), 15, "the one that went on working is gone")


def test_one_that_cannot_be_loaded_says_why_and_keeps_nobody_waiting(fleet: Deployment) -> None:
    began = time.monotonic()
    with pytest.raises(AlgorithmException, match="the model file is missing"):
        fleet.call("faults/Broken", 1)
    assert time.monotonic() - began < 10
    assert fleet.call("faults/Act", 1) == 1


def test_what_one_call_breaks_does_not_touch_another_function(fleet: Deployment) -> None:
    fleet.call("faults/Small", 1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(fleet.call, "faults/Small", {"do": "sleep", "seconds": 1.0})
        fault(fleet, "faults/Act", do="leave", code=1)
        assert slow.result() == "slept"


def test_a_replica_is_given_no_key_of_ours_and_finds_none(fleet: Deployment) -> None:
    seen = fleet.call("faults/Act", {"do": "environment"})
    assert not seen["own"].keys() & {"CLOUDLAYER_API_KEY", *CLOUD_KEYS}
    assert not {fleet.key, HIDDEN} & set(seen["own"].values())
    if os.geteuid() == 0:
        assert not any(fleet.key in text or HIDDEN in text for text in seen["others"].values())
    for pid in fleet.pids():
        given = psutil.Process(pid).environ()
        assert not any(fleet.key in text or HIDDEN in text for text in [*given, *given.values()])


def test_a_secret_reaches_the_function_that_has_it_and_no_other(fleet: Deployment) -> None:
    assert fleet.call("faults/Act", {"do": "environment"})["own"]["TOKEN"] == SECRET
    seen = fleet.call("faults/Small", {"do": "environment"})
    assert SECRET not in str(seen["own"])
    if os.geteuid() == 0:
        assert SECRET not in str(seen["others"])


def test_no_key_or_secret_stands_in_a_file_or_among_the_arguments_of_a_process(fleet: Deployment) -> None:
    fleet.call("faults/Act", 1)
    files = [path for path in fleet.folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    for secret in (fleet.key, HIDDEN, SECRET):
        assert [path for path in files if secret.encode() in path.read_bytes()] == []
        assert not any(secret in argument for process in fleet.processes() for argument in process.cmdline())
    assert (fleet.folder / "h").stat().st_mode & 0o077 == 0


def test_a_token_calls_only_what_its_function_may(fleet: Deployment) -> None:
    other = {"do": "call", "function": "faults/Small", "input": 1}
    with pytest.raises(AlgorithmException, match="may call no other"):
        fleet.call("faults/Act", other)
    with pytest.raises(AlgorithmException, match="may not call faults/Small"):
        fleet.call("faults/Closed", other)
    assert fleet.call("faults/Closed", {"do": "call", "function": "faults/Act", "input": [7]}) == [7]


@as_root
def test_without_internet_a_function_calls_others_and_reaches_nothing_else(fleet: Deployment) -> None:
    nested = {"do": "call", "function": "faults/Act/1.*", "input": "over the socket"}
    assert fleet.call("faults/Closed", nested) == "over the socket"
    connect = {"do": "connect", "host": "127.0.0.1", "port": fleet.port}
    assert fleet.call("faults/Act", connect) == "connected"
    with pytest.raises(AlgorithmException):
        fleet.call("faults/Closed", connect)


def test_logs_show_what_a_replica_wrote(fleet: Deployment) -> None:
    fleet.call("faults/Act", {"do": "say", "line": "a line for the log"})
    assert "a line for the log" in fleet.run("logs", "faults/Act").stdout
