"""Calls that wait: for a replica to come up, for a place, for nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import requests
from Algorithmia.algorithm import OutputType
from Algorithmia.errors import AlgorithmException

from cloudlayer.fleet.routes import Load, VersionLoad

from .stand_ins import KEY, Gateway, Received, Replica, eventually, http, version

URL = "/v1/algo/nlp/Echo"


def call(gateway: Gateway, value: object = 1, **options: Any) -> requests.Response:
    return requests.post(gateway.url + URL, json=value, headers={"Authorization": KEY}, timeout=20, **options)


def load(gateway: Gateway) -> VersionLoad | None:
    newest: Load = gateway.controller.loads()[-1]
    return next(iter(newest.versions), None)


def waiting(gateway: Gateway, count: int) -> None:
    eventually(lambda: (now := load(gateway)) and now.waiting == count)


@pytest.fixture
def pool() -> Any:
    with ThreadPoolExecutor(150) as threads:
        yield threads


@pytest.fixture
def gate() -> Any:
    """Holds replicas' answers back until it is set."""
    event = threading.Event()
    yield event
    event.set()


def gated(gate: threading.Event) -> Callable[[Received], bytes]:
    def answer(request: Received) -> bytes:
        assert gate.wait(15)
        return http(request.body)

    return answer


def test_a_call_of_a_function_at_zero_is_told_at_once_and_waits(
    gateway: Gateway, replica: Callable[..., Replica], pool: ThreadPoolExecutor
) -> None:
    gateway.show(version())
    answer = pool.submit(call, gateway)
    waiting(gateway, 1)
    assert load(gateway) == VersionLoad("nlp/Echo/1.0.0", in_flight=0, waiting=1, idle=0.0)
    gateway.show(version("nlp/Echo/1.0.0", replica().route))
    assert answer.result().json()["result"] is None


def test_waiting_calls_are_served_in_the_order_they_came(
    gateway: Gateway, replica: Callable[..., Replica], pool: ThreadPoolExecutor
) -> None:
    gateway.show(version())
    answers = []
    for number in range(5):
        answers.append(pool.submit(call, gateway, number))
        waiting(gateway, number + 1)
    one = replica(lambda request: http(request.body))
    gateway.show(version("nlp/Echo/1.0.0", one.route, concurrency=1))
    assert [answer.result().json()["result"] for answer in answers] == [0, 1, 2, 3, 4]
    assert [request.body for request in one.received] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_replica_never_has_more_calls_than_its_concurrency(
    gateway: Gateway, replica: Callable[..., Replica], pool: ThreadPoolExecutor, gate: threading.Event
) -> None:
    replicas = [replica(gated(gate)), replica(gated(gate))]
    gateway.show(version("nlp/Echo/1.0.0", *(each.route for each in replicas), concurrency=2))
    answers = [pool.submit(call, gateway, number) for number in range(12)]
    waiting(gateway, 8)
    now = load(gateway)
    assert now is not None
    assert now.in_flight == 4
    assert [len(each.received) for each in replicas] == [2, 2]
    gate.set()
    assert sorted(answer.result().json()["result"] for answer in answers) == list(range(12))


def test_a_full_queue_is_a_429_to_be_tried_again(gateway: Gateway, pool: ThreadPoolExecutor, client: Any) -> None:
    gateway.show(version("nlp/Echo/1.0.0", maximum=1, concurrency=1))
    waits = [pool.submit(call, gateway) for _ in range(100)]
    waiting(gateway, 100)
    refused = call(gateway)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.json()["error"]["error_type"] == "TooManyRequestsError"
    assert call(gateway, params={"output": "void"}).status_code == 429
    gateway.show(version("nlp/Echo/1.0.0", failure=("InitializationError", "no")))
    assert all(wait.result().json()["error"]["message"] == "no" for wait in waits)


def test_a_version_that_cannot_be_brought_up_fails_waiting_and_new_calls(
    gateway: Gateway, pool: ThreadPoolExecutor, client: Any
) -> None:
    gateway.show(version())
    answer = pool.submit(call, gateway)
    waiting(gateway, 1)
    gateway.show(version("nlp/Echo/1.0.0", failure=("InitializationError", "load() raised: no model")))
    assert answer.result().json()["error"]["error_type"] == "InitializationError"
    with pytest.raises(AlgorithmException, match="no model"):
        client.algo("nlp/Echo").pipe(1)


def test_a_failed_start_hurts_nobody_while_other_replicas_serve(
    gateway: Gateway, replica: Callable[..., Replica], client: Any
) -> None:
    gateway.show(version("nlp/Echo/1.0.0", replica().route, failure=("InitializationError", "no more of them")))
    assert client.algo("nlp/Echo").pipe(1).result is None


def test_a_version_that_is_taken_away_fails_its_waiting_calls(gateway: Gateway, pool: ThreadPoolExecutor) -> None:
    gateway.show(version())
    answer = pool.submit(call, gateway)
    waiting(gateway, 1)
    gateway.show(version("nlp/Other/1.0.0"))
    assert answer.result().json()["error"]["code"] == 1001


def test_a_call_whose_time_ends_while_it_waits_says_that_it_never_started(gateway: Gateway) -> None:
    gateway.show(version())
    started = time.monotonic()
    error = call(gateway, params={"timeout": "0.3"}).json()["error"]
    assert error["error_type"] == "TimeoutError"
    assert "never started" in error["message"]
    assert 0.3 <= time.monotonic() - started < 2
    waiting(gateway, 0)


def test_a_slow_start_does_not_eat_up_the_functions_own_time(
    gateway: Gateway, replica: Callable[..., Replica], pool: ThreadPoolExecutor
) -> None:
    gateway.show(version("nlp/Echo/1.0.0", timeout=0.2))
    answer = pool.submit(call, gateway)
    waiting(gateway, 1)
    time.sleep(0.3)
    gateway.show(version("nlp/Echo/1.0.0", replica().route, timeout=0.2))
    assert answer.result().json()["result"] is None


def hang_up_after_sending(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(f"POST {URL} HTTP/1.1\r\nAuthorization: {KEY}\r\nContent-Length: 1\r\n\r\n1".encode())
        waiting(gateway, 1)


def test_a_caller_that_hangs_up_waits_no_longer(gateway: Gateway, replica: Callable[..., Replica]) -> None:
    gateway.show(version())
    hang_up_after_sending(gateway)
    waiting(gateway, 0)
    late = replica()
    gateway.show(version("nlp/Echo/1.0.0", late.route))
    assert call(gateway, 2).status_code == 200
    assert [request.body for request in late.received] == [b"2"]


def test_a_call_that_runs_is_finished_though_its_caller_has_gone_and_frees_its_place(
    gateway: Gateway, replica: Callable[..., Replica], pool: ThreadPoolExecutor, gate: threading.Event
) -> None:
    one = replica(gated(gate))
    gateway.show(version("nlp/Echo/1.0.0", one.route, concurrency=1))
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(f"POST {URL} HTTP/1.1\r\nAuthorization: {KEY}\r\nContent-Length: 1\r\n\r\n1".encode())
        eventually(lambda: one.received)
    answer: Future[requests.Response] = pool.submit(call, gateway, 2)
    waiting(gateway, 1)
    assert len(one.received) == 1
    gate.set()
    assert answer.result().json()["result"] == 2
    assert gateway.controller.lost() == []


def test_a_replica_that_leaves_the_snapshot_finishes_its_calls_and_is_named_until_then(
    gateway: Gateway, replica: Callable[..., Replica], pool: ThreadPoolExecutor, gate: threading.Event
) -> None:
    old, new = replica(gated(gate)), replica()
    gateway.show(version("nlp/Echo/1.0.0", old.route))
    answer = pool.submit(call, gateway, "old")
    eventually(lambda: old.received)
    gateway.show(version("nlp/Echo/1.0.0", new.route))
    assert gateway.controller.loads()[-1].draining == (old.id,)
    assert call(gateway).json()["result"] is None
    gate.set()
    assert answer.result().json()["result"] == "old"
    eventually(lambda: gateway.controller.loads()[-1].draining == ())


def test_calls_in_the_background_wait_like_others(gateway: Gateway, client: Any, replica: Callable[..., Replica]) -> None:
    gateway.show(version())
    answer = client.algo("nlp/Echo").set_options(output=OutputType.void).pipe(5)
    waiting(gateway, 1)
    late = replica()
    gateway.show(version("nlp/Echo/1.0.0", late.route))
    eventually(lambda: late.received)
    assert f"X-Request-Id: {answer.request_id}" in late.received[0].head
