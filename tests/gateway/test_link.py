"""The line to the controller."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from Algorithmia.errors import AlgorithmException

from cloudlayer.fleet.routes import Lost

from .stand_ins import KEY, Gateway, Replica, eventually, snapshot, version


@pytest.fixture
def gateway(fresh_gateway: Gateway) -> Gateway:
    return fresh_gateway


def snapshot_of(gateway: Gateway) -> int:
    return int(requests.get(f"{gateway.url}/healthz", timeout=5).json()["snapshot"])


def test_before_the_first_snapshot_every_call_is_a_503_to_be_tried_again(gateway: Gateway) -> None:
    answer = requests.post(f"{gateway.url}/v1/algo/nlp/Echo", json=1, headers={"Authorization": KEY}, timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "routes" in answer.json()["error"]["message"]
    assert requests.get(f"{gateway.url}/healthz", timeout=5).status_code == 503
    gateway.show()
    assert requests.get(f"{gateway.url}/healthz", timeout=5).json() == {"status": "ok", "snapshot": 1}


def test_a_heartbeat_comes_every_second_though_nothing_happens(gateway: Gateway) -> None:
    gateway.show()
    before = len(gateway.controller.loads())
    started = time.monotonic()
    eventually(lambda: len(gateway.controller.loads()) >= before + 2)
    assert time.monotonic() - started < 2.5
    assert len(gateway.controller.loads()) <= before + 4


def test_a_burst_of_calls_is_told_twenty_times_a_second_at_most(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    gateway.show(version("nlp/Echo/1.0.0", replica().route))
    before, started = len(gateway.controller.loads()), time.monotonic()
    while time.monotonic() < started + 0.5:
        client.algo("nlp/Echo").pipe(1)
    told = gateway.controller.loads()[before:]
    assert 2 <= len(told) <= (time.monotonic() - started) / 0.05 * 2 + 3
    eventually(lambda: gateway.controller.loads()[-1].versions[0].in_flight == 0)
    eventually(lambda: gateway.controller.loads()[-1].versions[0].idle > 0.5)


def test_an_older_snapshot_is_ignored(gateway: Gateway) -> None:
    gateway.controller.send(snapshot(7, version()))
    gateway.controller.await_snapshot(7)
    before = len(gateway.controller.loads())
    gateway.controller.send(snapshot(6))
    eventually(lambda: len(gateway.controller.loads()) > before)
    assert {load.snapshot for load in gateway.controller.loads()[before:]} == {7}
    assert snapshot_of(gateway) == 7


def test_the_last_snapshot_serves_on_while_the_controller_is_away(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    gateway.show(version("nlp/Echo/1.0.0", replica().route))
    gateway.controller.stop()
    gateway.logged("controller gone")
    assert client.algo("nlp/Echo").pipe(1).result is None
    assert requests.get(f"{gateway.url}/healthz", timeout=5).status_code == 200


def test_a_new_controllers_first_snapshot_counts_whatever_its_number(gateway: Gateway) -> None:
    gateway.controller.send(snapshot(100, version()))
    gateway.controller.await_snapshot(100)
    gateway.controller.stop()
    gateway.controller.newest = snapshot(3)
    gateway.controller.start()
    eventually(lambda: snapshot_of(gateway) == 3)


def test_a_new_controller_is_not_told_the_number_of_the_one_befores_snapshot(gateway: Gateway) -> None:
    gateway.controller.send(snapshot(100, version()))
    gateway.controller.await_snapshot(100)
    gateway.controller.stop()
    gateway.controller.received.clear()
    gateway.controller.newest = None
    gateway.controller.start()
    assert eventually(gateway.controller.loads)[0].snapshot == 0
    gateway.controller.send(snapshot(3, version()))
    gateway.controller.await_snapshot(3)
    assert {load.snapshot for load in gateway.controller.loads()} == {0, 3}


def test_a_loss_while_the_controller_is_away_is_told_when_it_is_back(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    bad = replica(lambda request: None)
    gateway.show(version("nlp/Echo/1.0.0", bad.route))
    gateway.controller.stop()
    gateway.logged("controller gone")
    with pytest.raises(AlgorithmException):
        client.algo("nlp/Echo").pipe(1)
    assert gateway.controller.lost() == []
    gateway.controller.start()
    eventually(lambda: gateway.controller.lost() == [Lost(bad.id)])


@pytest.mark.parametrize("nonsense", [b'{"kind": "surprise"}', b'{"kind": "routes"}', b"[]", b"\xff"])
def test_a_line_of_nonsense_breaks_the_line_and_not_the_gateway(
    gateway: Gateway, client: Any, replica: Callable[..., Replica], nonsense: bytes
) -> None:
    gateway.show(version("nlp/Echo/1.0.0", replica().route))
    for line in gateway.controller._lines:
        line.sendall(nonsense + b"\n")
    gateway.logged("controller line broken")
    assert client.algo("nlp/Echo").pipe(1).result is None
    count = len(gateway.controller.loads())
    eventually(lambda: len(gateway.controller.loads()) > count)


def test_a_snapshot_that_makes_no_sense_leaves_the_last_one_in_place(
    gateway: Gateway, client: Any, replica: Callable[..., Replica]
) -> None:
    good = version("nlp/Echo/1.0.0", replica().route)
    gateway.show(good)
    gateway.controller.send(snapshot(2, version("nlp/Echo/not.a.version")))
    gateway.controller.newest = snapshot(3, good)
    gateway.logged("controller line broken")
    assert client.algo("nlp/Echo").pipe(1).result is None
    eventually(lambda: snapshot_of(gateway) == 3)
