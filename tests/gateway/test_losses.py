"""Replicas that die, hang or talk nonsense: each is an error for that call alone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from Algorithmia.errors import AlgorithmException

from cloudlayer.fleet.routes import Lost, ReplicaRoute
from cloudlayer.interfaces.engine import ReplicaExit

from .stand_ins import Gateway, Replica, Worker, eventually, http, version


def failing(client: Any, value: object, **options: Any) -> AlgorithmException:
    algo = client.algo("nlp/Echo")
    if options:
        algo.set_options(**options)
    with pytest.raises(AlgorithmException) as caught:
        algo.pipe(value)
    error: AlgorithmException = caught.value
    return error


def in_the_background(work: Callable[[], Any]) -> Callable[[], Any]:
    """Begin `work`; what it returns waits for its answer."""
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(work())
        except AlgorithmException as error:
            answers.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def answer() -> Any:
        thread.join(5)
        return answers[0]

    return answer


def test_a_replica_that_exits_fails_that_call_alone(gateway: Gateway, client: Any, worker: Callable[..., Worker]) -> None:
    first, second = worker("first"), worker("second")
    gateway.show(version("nlp/Echo/1.0.0", first.route, second.route))
    died = failing(client, {"exit": 3})
    assert died.error_type == "AlgorithmError"
    assert "exited while it worked on this call" in died.message
    dead = first if first.process.poll() is not None else second
    eventually(lambda: gateway.controller.lost() == [Lost(dead.id)])
    assert [client.algo("nlp/Echo").pipe(n).result for n in range(4)] == [0, 1, 2, 3]


def test_an_exit_told_before_the_break_counts(gateway: Gateway, client: Any, replica: Callable[..., Replica]) -> None:
    dying = replica(lambda request: gateway.exited(dying.id, "out_of_memory"))
    gateway.show(version("nlp/Echo/1.0.0", dying.route))
    assert failing(client, 1).error_type == "OutOfMemoryError"


def test_an_exit_told_after_the_break_still_counts(gateway: Gateway, client: Any, replica: Callable[..., Replica]) -> None:
    dying = replica(lambda request: None)
    gateway.show(version("nlp/Echo/1.0.0", dying.route))

    def tell_late() -> None:
        eventually(gateway.controller.lost)
        gateway.exited(dying.id, ReplicaExit.OUT_OF_MEMORY.value)

    threading.Thread(target=tell_late, daemon=True).start()
    assert failing(client, 1).error_type == "OutOfMemoryError"


def test_without_a_word_the_error_comes_within_a_second(gateway: Gateway, client: Any, replica: Callable[..., Replica]) -> None:
    gateway.show(version("nlp/Echo/1.0.0", replica(lambda request: None).route))
    started = time.monotonic()
    assert failing(client, 1).error_type == "AlgorithmError"
    assert time.monotonic() - started < 1.5


def test_an_idempotent_call_is_tried_elsewhere(gateway: Gateway, client: Any, replica: Callable[..., Replica]) -> None:
    bad, good = replica(lambda request: None), replica()
    gateway.show(version("nlp/Echo/1.0.0", bad.route, good.route, idempotent=True))
    for _ in range(2):
        assert client.algo("nlp/Echo").pipe(1).result is None
    assert len(bad.received) == 1
    eventually(lambda: gateway.controller.lost() == [Lost(bad.id)])


def test_an_idempotent_call_that_kills_every_replica_ends(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    bad = [replica(lambda request: None) for _ in range(5)]
    gateway.show(version("nlp/Echo/1.0.0", *(each.route for each in bad), idempotent=True))
    assert failing(client, 1).error_type == "AlgorithmError"
    assert sum(len(each.received) for each in bad) == 3


def test_a_call_that_is_not_idempotent_is_never_sent_twice(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    bad, good = replica(lambda request: None), replica()
    gateway.show(version("nlp/Echo/1.0.0", bad.route, good.route))
    failing(client, 1)
    assert (len(bad.received), len(good.received)) == (1, 0)


def test_a_refused_connection_is_tried_elsewhere_for_any_call(
    gateway: Gateway, client: Any, replica: Callable[..., Replica], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    gone = (ReplicaRoute("gone-1", f"unix:{tmp_path}/none"), ReplicaRoute("gone-2", f"http://127.0.0.1:{port}"))
    gateway.show(version("nlp/Echo/1.0.0", *gone, replica().route))
    assert client.algo("nlp/Echo").pipe(1).result is None
    eventually(lambda: {lost.replica for lost in gateway.controller.lost()} == {"gone-1", "gone-2"})


def test_a_lost_replica_gets_calls_again_when_a_newer_snapshot_has_it(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    answers = [None, http(b"1"), http(b"2")]
    flaky = replica(lambda request: answers.pop(0))
    gateway.show(version("nlp/Echo/1.0.0", flaky.route))
    failing(client, 1)
    assert "never started" in failing(client, 1, timeout=0.2).message
    gateway.show(version("nlp/Echo/1.0.0", flaky.route))
    assert client.algo("nlp/Echo").pipe(1).result == 1


def test_a_call_that_overruns_its_time_ends_and_its_replica_is_stuck(
    gateway: Gateway, client: Any, worker: Callable[..., Worker]
) -> None:
    slow, other = worker("slow"), worker("other")
    gateway.show(version("nlp/Echo/1.0.0", slow.route, timeout=0.3))
    started = time.monotonic()
    error = failing(client, {"sleep": 5})
    assert error.error_type == "TimeoutError"
    assert "still at work" in error.message
    assert 0.3 <= time.monotonic() - started < 2
    eventually(lambda: gateway.controller.lost() == [Lost(slow.id, stuck=True)])
    gateway.show(version("nlp/Echo/1.0.0", other.route, timeout=0.3))
    assert client.algo("nlp/Echo").pipe(1).result == 1


def test_the_callers_timeout_counts_too(gateway: Gateway, client: Any, worker: Callable[..., Worker]) -> None:
    gateway.show(version("nlp/Echo/1.0.0", worker().route))
    assert failing(client, {"sleep": 5}, timeout=0.2).error_type == "TimeoutError"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400_000,
        http(b"{", content_type="application/json"),
        http(b"", 503),
        http(b"<html>", 500, "text/html"),
    ],
)
def test_nonsense_of_a_foreign_image_is_an_algorithm_error(
    gateway: Gateway, client: Any, replica: Callable[..., Replica], answer: bytes
) -> None:
    answers = [answer, http(b"7")]
    gateway.show(version("nlp/Echo/1.0.0", replica(lambda request: answers.pop(0)).route))
    assert failing(client, 1).error_type == "AlgorithmError"
    assert client.algo("nlp/Echo").pipe(1).result == 7


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + http(b"[1,2]"),
        b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n[1,2]",
        http(b"[1,2]", more="Connection: close\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.x+json\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\n[1,2]\r\n0\r\nContent-Type: text/plain\r\n\r\n",
    ],
)
def test_every_form_of_http_answer_is_understood(
    gateway: Gateway, client: Any, replica: Callable[..., Replica], answer: bytes
) -> None:
    gateway.show(version("nlp/Echo/1.0.0", replica(lambda request: answer).route))
    for _ in range(3):
        response = client.algo("nlp/Echo").pipe(1)
        assert (response.result, response.metadata.content_type) == ([1, 2], "json")


def test_a_connection_is_used_again_only_after_a_whole_answer(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    answers = [http(b"1"), http(b"2"), http(b"3") + http(b"666"), http(b"4")]
    used = replica(lambda request: answers.pop(0))
    gateway.show(version("nlp/Echo/1.0.0", used.route))
    assert [client.algo("nlp/Echo").pipe(n).result for n in range(4)] == [1, 2, 3, 4]
    assert [request.connection for request in used.received] == [1, 1, 1, 2]


def test_half_an_answer_is_none(gateway: Gateway, client: Any, replica: Callable[..., Replica]) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 9\r\n\r\n[1,2]"
    gateway.show(version("nlp/Echo/1.0.0", replica(lambda request: half).route))
    assert "exited" in failing(client, 1).message


def test_the_replica_gets_the_body_its_type_an_id_and_a_deadline(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    asked = replica()
    gateway.show(version("nlp/Echo/1.0.0", asked.route, timeout=20.0))
    client.algo("nlp/Echo").pipe("text é")
    (request,) = asked.received
    lines = dict(line.split(": ", 1) for line in request.head.split("\r\n")[1:] if line)
    assert request.head.startswith("POST / HTTP/1.1\r\n")
    assert request.body == "text é".encode()
    assert lines["Content-Type"] == "text/plain"
    assert len(lines["X-Request-Id"]) == 32
    assert 15 < float(lines["X-Deadline"]) - time.time() < 21
    assert "Authorization" not in lines


def test_a_call_on_a_machine_whose_connection_is_lost_ends_at_once_and_says_so(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    hanging = replica(lambda request: time.sleep(20))
    gateway.show(version("nlp/Echo/1.0.0", hanging.route))
    answer = in_the_background(lambda: failing(client, 1))
    eventually(lambda: hanging.received)
    started = time.monotonic()
    gateway.show(version("nlp/Echo/1.0.0"), away=(hanging.id,))
    error = answer()
    assert time.monotonic() - started < 2
    assert error.error_type == "ReplicaLostError"
    assert "the connection to its machine was lost" in error.message
    assert gateway.controller.lost() == []


def test_a_call_on_a_machine_that_is_given_up_ends_at_once(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    hanging = replica(lambda request: time.sleep(20))
    gateway.show(version("nlp/Echo/1.0.0", hanging.route))
    answer = in_the_background(lambda: failing(client, 1))
    eventually(lambda: hanging.received)
    gateway.exited(hanging.id, "lost", "its machine was lost")
    assert "its machine was lost. The call may have been carried out" in answer().message


def test_an_idempotent_call_on_a_machine_that_is_lost_is_answered_by_another(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    hanging, good = replica(lambda request: time.sleep(20)), replica(lambda request: http(b"7"))
    gateway.show(version("nlp/Echo/1.0.0", hanging.route, idempotent=True))
    answer = in_the_background(lambda: client.algo("nlp/Echo").pipe(1).result)
    eventually(lambda: hanging.received)
    gateway.show(version("nlp/Echo/1.0.0", good.route, idempotent=True), away=(hanging.id,))
    assert answer() == 7


def test_a_machine_that_is_back_gets_calls_again(gateway: Gateway, client: Any, replica: Callable[..., Replica]) -> None:
    there = replica(lambda request: http(b"7"))
    gateway.show(version("nlp/Echo/1.0.0"), away=(there.id,))
    gateway.show(version("nlp/Echo/1.0.0", there.route))
    assert client.algo("nlp/Echo").pipe(1).result == 7


def test_replicas_of_a_frozen_machine_hold_no_more_calls_than_their_concurrency(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    frozen, good = replica(lambda request: time.sleep(20)), replica(lambda request: http(b"7"))
    gateway.show(version("nlp/Echo/1.0.0", frozen.route, good.route, concurrency=2))
    answers = [in_the_background(lambda: client.algo("nlp/Echo").pipe(1).result) for _ in range(14)]
    eventually(lambda: len(good.received) >= 12)
    assert len(frozen.received) <= 2
    gateway.show(version("nlp/Echo/1.0.0", good.route, concurrency=2), away=(frozen.id,))
    assert sum(answer() == 7 for answer in answers) >= 12
