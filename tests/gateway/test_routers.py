"""Calls between functions of one machine stay there, and the gateway knows of each."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import Algorithmia
import pytest

from .machines import CALLER, MACHINE, Machine, on
from .stand_ins import KEY, Received, Replica, Worker, eventually, http, version

ECHO = "nlp/Echo/1.0.0"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


def ready(machine: Machine, *routes: Any, **changes: Any) -> None:
    """Show the replicas, and wait until a call of theirs is served by the router."""
    machine.show(version(ECHO, *routes, **changes))
    eventually(lambda: served_here(machine))
    eventually(lambda: machine.in_flight() == 0)


def served_here(machine: Machine) -> bool:
    before = machine.calls.connections
    return "result" in machine.call(b"1") and machine.calls.connections == before


def test_a_call_of_a_replica_on_the_same_machine_never_leaves_it(machine: Machine, worker: Callable[..., Worker]) -> None:
    ready(machine, on(MACHINE, worker().route))
    before = machine.calls.bytes + machine.line.bytes
    text = "x" * 1_000_000
    for _ in range(5):
        assert machine.call(json.dumps(text).encode())["result"] == text
    assert machine.calls.bytes + machine.line.bytes - before < 20_000


def test_what_is_not_on_the_machine_goes_on_to_the_gateway(machine: Machine, worker: Callable[..., Worker]) -> None:
    machine.show(version(ECHO, worker().route))
    assert machine.call(b'{"a": 1}')["result"] == {"a": 1}
    assert machine.calls.bytes > 0


def test_who_is_not_known_or_not_allowed_hears_it_from_the_gateway(machine: Machine, worker: Callable[..., Worker]) -> None:
    one = on(MACHINE, worker().route)
    machine.show(version(ECHO, one), version("nlp/Other/1.0.0", one))
    status, body, headers = machine.request(b"1", token="nobody's")
    assert (status, json.loads(body)["error"]["code"], "www-authenticate" in headers) == (401, 2002, True)
    assert machine.call(b"1", "nlp/Other")["error"]["code"] == 2001
    assert machine.call(b"1", "nlp/Missing")["error"]["code"] == 1001
    assert machine.call(b"1", token=KEY)["result"] == 1, "a key of a user is good here as well"


def test_answers_and_errors_look_as_the_gateways(machine: Machine, worker: Callable[..., Worker]) -> None:
    ready(machine, on(MACHINE, worker().route))
    answer = machine.call(b'{"a": 1}', X_Request_Id="mine")
    assert answer["metadata"]["content_type"] == "json"
    assert machine.request(b"1", X_Request_Id="mine")[2]["x-request-id"] == "mine"
    error = machine.call(b'{"raise": "no"}', X_Request_Id="mine")["error"]
    assert (error["message"], error["error_type"], error["request_id"]) == ("no", "AlgorithmError", "mine")
    assert machine.request(b"[1]", query="?output=raw")[:2] == (200, b"[1]")
    assert machine.request(b'{"raise": "no"}', query="?output=raw")[0] == 500
    assert machine.call(b"1", query="?nonsense=1")["error"]["error_type"] == "InputError"


def test_the_callers_id_and_the_calls_deadline_reach_the_replica(machine: Machine, replica: Callable[..., Replica]) -> None:
    one = replica()
    ready(machine, on(MACHINE, one.route), timeout=3.0)
    machine.call(b"1", X_Request_Id="mine")
    head = one.received[-1].head.lower()
    deadline = float(head.partition("x-deadline: ")[2].split("\r\n")[0])
    assert "x-request-id: mine" in head
    assert 2.0 < deadline - time.time() < 3.01


def test_a_functions_timeout_ends_its_call_and_its_replica_takes_no_other(
    machine: Machine, worker: Callable[..., Worker]
) -> None:
    one = worker()
    ready(machine, on(MACHINE, one.route), timeout=0.5)
    error = machine.call(b'{"sleep": 5}')["error"]
    assert error["error_type"] == "TimeoutError"
    eventually(lambda: [(lost.replica, lost.stuck) for lost in machine.gateway.controller.lost()] == [(one.id, True)])


def test_the_gateway_counts_what_it_does_not_carry(machine: Machine, worker: Callable[..., Worker]) -> None:
    ready(machine, on(MACHINE, worker().route))
    for _ in range(10):
        machine.call(b"[1, 2]")
    machine.call(b'{"raise": "no"}')
    eventually(lambda: machine.metric("cloudlayer_gateway_calls_total") >= 12)
    assert machine.metric('cloudlayer_gateway_calls_total{function="nlp/Echo",outcome="AlgorithmError"') == 1
    assert machine.metric("cloudlayer_gateway_call_seconds_count") >= 12
    loads = eventually(lambda: [load for load in machine.gateway.controller.loads() if load.calls], 8)
    pairs = {(each.caller, each.callee): (each.calls, each.size) for each in loads[-1].calls}
    assert pairs[CALLER, "nlp/Echo"][0] >= 10


def test_a_version_that_is_called_by_routers_alone_is_seen_at_work(machine: Machine, worker: Callable[..., Worker]) -> None:
    ready(machine, on(MACHINE, worker().route))
    eventually(lambda: machine.in_flight() == 0)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(machine.call, b'{"sleep": 0.6}')
        eventually(lambda: machine.in_flight() == 1)
        call.result()
    eventually(lambda: machine.in_flight() == 0)
    assert all(each.idle < 3 for each in machine.gateway.controller.loads()[-1].versions)


def test_a_place_that_a_router_keeps_is_given_to_whoever_waits_at_the_gateway(
    machine: Machine, replica: Callable[..., Replica]
) -> None:
    ready(machine, on(MACHINE, replica().route), concurrency=1)
    for _ in range(5):
        machine.call(b"1")
        began = time.monotonic()
        assert Algorithmia.client(KEY, machine.gateway.url).algo(ECHO).pipe(1).result is None
        assert time.monotonic() - began < 0.5, "it waited until the place was kept for long enough"


class Crowded:
    """A replica that notes how many calls it has at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self, request: Received) -> bytes:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.005)
        with self._lock:
            self.now -= 1
        return http(request.body)


def test_calls_from_both_sides_never_exceed_a_replicas_concurrency(machine: Machine, replica: Callable[..., Replica]) -> None:
    crowds = [Crowded(), Crowded()]
    ready(machine, *(on(MACHINE, replica(each).route) for each in crowds), concurrency=2)
    before = machine.calls.bytes

    ours = threading.local()  # the client keeps a file and connections open for good

    def outside(value: int) -> Any:
        if not hasattr(ours, "client"):
            ours.client = Algorithmia.client(KEY, machine.gateway.url)
        return ours.client.algo(ECHO).pipe(value).result

    with ThreadPoolExecutor(24) as pool:
        inside = [pool.submit(machine.call, str(value).encode()) for value in range(150)]
        others = [pool.submit(outside, value) for value in range(150)]
        assert [each.result().get("result") for each in inside] == list(range(150))
        assert [each.result() for each in others] == list(range(150))
    assert [crowd.most for crowd in crowds] == [2, 2]
    assert machine.calls.bytes == before, "calls that wait for a place of their own machine wait there"


def test_a_full_machine_sends_calls_to_places_elsewhere(machine: Machine, replica: Callable[..., Replica]) -> None:
    here, there = Crowded(), Crowded()
    ready(machine, on(MACHINE, replica(here).route), concurrency=1)
    machine.show(version(ECHO, on(MACHINE, replica(here).route), replica(there).route, concurrency=1))
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(machine.call, str(value).encode()) for value in range(60)]
        assert [each.result()["result"] for each in answers] == list(range(60))
    assert here.most == there.most == 1


def test_a_caller_that_hangs_up_while_it_waits_leaves_the_queue(machine: Machine, replica: Callable[..., Replica]) -> None:
    machine.show(version(ECHO))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(machine.socket))
    connection.sendall(f"POST /v1/algo/nlp/Echo HTTP/1.1\r\nAuthorization: {'a-token-of-nlp/Sentences'}\r\n\r\n".encode())

    def waiting() -> int:
        loads = machine.gateway.controller.loads()
        return sum(each.waiting for each in loads[-1].versions)

    eventually(lambda: waiting() == 1)
    connection.close()
    eventually(lambda: waiting() == 0)


def test_a_replica_that_leaves_the_routes_is_free_of_kept_places_at_once(
    machine: Machine, worker: Callable[..., Worker]
) -> None:
    one, two = worker("one"), worker("two")
    ready(machine, on(MACHINE, one.route))
    machine.call(b"1")
    began = time.monotonic()
    machine.show(version(ECHO, on(MACHINE, two.route)))
    eventually(lambda: not machine.gateway.controller.loads()[-1].draining)
    assert time.monotonic() - began < 0.8, "it was kept for as long as places are kept"
    assert machine.call(b"2")["result"] == 2


def test_a_replica_that_dies_breaks_its_call_and_the_gateway_says_how(machine: Machine, worker: Callable[..., Worker]) -> None:
    one = worker()
    ready(machine, on(MACHINE, one.route))
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(machine.call, b'{"sleep": 5}')
        eventually(lambda: machine.in_flight() == 1)
        one.process.kill()
        eventually(machine.gateway.controller.lost)
        machine.gateway.exited(one.id, "out_of_memory")
        assert call.result()["error"]["error_type"] == "OutOfMemoryError"


def test_calls_of_an_idempotent_function_are_tried_on_another_replica(
    machine: Machine, replica: Callable[..., Replica]
) -> None:
    deaf, good = replica(lambda request: None), replica(lambda request: http(b'"good"'))
    machine.show(version(ECHO, on(MACHINE, deaf.route), on(MACHINE, good.route), idempotent=True))
    assert {machine.call(b"1")["result"] for _ in range(6)} == {"good"}


def test_calls_go_on_while_the_line_is_cut_for_a_moment(machine: Machine, worker: Callable[..., Worker]) -> None:
    ready(machine, on(MACHINE, worker().route))
    with ThreadPoolExecutor(4) as pool:
        running = pool.submit(machine.call, b'{"sleep": 1.0}')
        eventually(lambda: machine.in_flight() == 1)
        machine.line.cut()
        machine.calls.cut()
        waiting = [pool.submit(machine.call, str(value).encode()) for value in range(3)]
        time.sleep(0.3)
        machine.calls.heal()
        machine.line.heal()
        assert [each.result()["result"] for each in waiting] == [0, 1, 2]
        assert running.result()["result"] == {"sleep": 1.0}
    eventually(lambda: machine.in_flight() == 0)


def test_calls_go_on_while_the_gateway_is_started_anew(machine: Machine, worker: Callable[..., Worker]) -> None:
    ready(machine, on(MACHINE, worker().route))
    with ThreadPoolExecutor(4) as pool:
        running = pool.submit(machine.call, b'{"sleep": 3.0}')
        eventually(lambda: machine.in_flight() == 1)
        machine.restart_gateway(kill=True)
        eventually(lambda: machine.in_flight() == 1)
        assert machine.call(b"2")["result"] == 2
        assert running.result()["result"] == {"sleep": 3.0}
    eventually(lambda: machine.in_flight() == 0)


def test_a_router_that_is_killed_leaves_places_taken_only_where_replicas_still_work(
    machine: Machine, worker: Callable[..., Worker]
) -> None:
    ready(machine, on(MACHINE, worker().route), timeout=2.0, concurrency=2)
    with ThreadPoolExecutor(2) as pool:
        broken = pool.submit(machine.request, b'{"sleep": 1.5}')
        eventually(lambda: machine.in_flight() == 1)
        machine.process.kill()
        machine.process.wait()
        assert broken.exception() is not None
        machine.start_router()
        assert machine.call(b"1")["result"] == 1
        assert machine.in_flight() >= 1, "its replica works on it yet"
        eventually(lambda: machine.in_flight() == 0, 6)


def test_a_router_that_is_asked_to_stop_ends_its_calls_first(machine: Machine, worker: Callable[..., Worker]) -> None:
    ready(machine, on(MACHINE, worker().route))
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(machine.call, b'{"sleep": 0.5}')
        eventually(lambda: machine.in_flight() == 1)
        machine.process.terminate()
        assert call.result()["result"] == {"sleep": 0.5}
    assert machine.process.wait(5) == 0
    machine.start_router()
    assert machine.call(b"1")["result"] == 1


def test_nobody_is_a_router_without_its_token(machine: Machine) -> None:
    machine.show(version(ECHO))
    stranger = socket.socket(socket.AF_UNIX)
    stranger.settimeout(5)
    stranger.connect(str(machine.folder / "routers.sock"))
    stranger.sendall(b'{"kind":"hello","machine":"machine-1","token":"guess","instance":"x"}\n')
    assert stranger.recv(100) == b""
    stranger.close()
