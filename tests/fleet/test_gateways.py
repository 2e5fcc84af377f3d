"""The line between controller and gateway: whoever connects gets the newest routes, and silence holds nobody up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudlayer.fleet.gateways import Gateways
from cloudlayer.fleet.routes import (
    Ask,
    CallCount,
    Credential,
    Figures,
    Load,
    Lost,
    ReplicaRoute,
    Routes,
    VersionLoad,
    VersionRoute,
    decode,
    encode,
)


class Controller:
    """The controller's end, and what it heard."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.woken = threading.Event()
        self.lost: list[Lost] = []
        self.figures: Callable[[], str] = lambda: "cloudlayer_x 1\n"
        self.gateways = Gateways(path, self.woken.set, self._lost, self._measured)

    def _measured(self) -> str:
        return self.figures()

    def _lost(self, lost: Lost) -> None:
        self.lost.append(lost)
        self.woken.set()

    def connect(self) -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(5)
        line.connect(str(self.path))
        return line

    def hears(self, line: socket.socket, message: Load | Lost) -> None:
        self.woken.clear()
        line.sendall(encode(message))
        assert self.woken.wait(5)


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Controller]:
    controller = Controller(tmp_path / "c.sock")
    yield controller
    controller.gateways.close()


def _routes(number: int, *replicas: str) -> Routes:
    ready = tuple(ReplicaRoute(name, f"unix:/{name}") for name in replicas)
    version = VersionRoute("a/B", "1.0.0", 30.0, 1, 2, idempotent=False, replicas=ready)
    return Routes(number, "00", (Credential("ff", "first"),), (version,))


def _read(line: socket.socket) -> object:
    with line.makefile("rb", buffering=0) as reader:
        return decode(reader.readline())


def test_a_gateway_gets_the_newest_routes_when_it_connects_and_each_later_one(controller: Controller) -> None:
    controller.gateways.publish(_routes(1))
    controller.gateways.publish(_routes(2, "r1"))
    line = controller.connect()
    assert _read(line) == _routes(2, "r1")
    controller.gateways.publish(_routes(3))
    assert _read(line) == _routes(3)


def test_a_replica_is_drained_when_the_gateway_has_left_it_out_and_no_call_uses_it(controller: Controller) -> None:
    controller.gateways.publish(_routes(1, "r1"))
    line = controller.connect()
    controller.hears(line, Load(1, (VersionLoad("a/B/1.0.0", 1, 0, 0.0),)))
    controller.gateways.publish(_routes(2))
    assert not controller.gateways.drained("r1")
    controller.hears(line, Load(2, (), ("r1",)))
    assert not controller.gateways.drained("r1")
    controller.hears(line, Load(2, ()))
    assert controller.gateways.drained("r1")


def test_without_a_gateway_nothing_is_in_use(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudlayer.fleet.gateways.ABSENT_SECONDS", 0.0)
    controller.gateways.publish(_routes(1, "r1"))
    controller.gateways.publish(_routes(2))
    assert controller.gateways.drained("r1")
    assert controller.gateways.loads() == {}


def test_a_controller_that_has_just_begun_takes_no_silence_for_rest(controller: Controller) -> None:
    """A replica may drain since the controller before this one."""
    gateways = controller.gateways
    gateways.publish(_routes(1))
    assert (gateways.heard, gateways.drained("draining")) == (False, False)
    line = controller.connect()
    assert _read(line) == _routes(1)
    assert (gateways.heard, gateways.drained("draining")) == (False, False), "it has not told its load"
    controller.hears(line, Load(0, ()))
    assert (gateways.heard, gateways.drained("draining")) == (True, False), "it goes by the routes of the controller before"
    controller.hears(line, Load(1, (), ("draining",)))
    assert not gateways.drained("draining")
    controller.hears(line, Load(1, ()))
    assert gateways.drained("draining")


def test_while_the_gateway_starts_anew_and_until_it_knows_of_all_calls_nothing_has_ended(controller: Controller) -> None:
    gateways = controller.gateways
    gateways.publish(_routes(1))
    first = controller.connect()
    controller.hears(first, Load(1, ()))
    controller.woken.clear()
    first.close()
    assert controller.woken.wait(5)
    assert (gateways.heard, gateways.drained("draining")) == (False, False)
    second = controller.connect()
    controller.hears(second, Load(1, (), whole=False))
    assert (gateways.heard, gateways.drained("draining")) == (True, False)
    controller.hears(second, Load(1, (VersionLoad("a/B/1.0.0", 0, 0, 1.0),)))
    assert gateways.drained("draining")


def test_the_loads_of_two_gateways_are_summed(controller: Controller) -> None:
    first, second = controller.connect(), controller.connect()
    for line, idle in ((first, 5.0), (second, 2.0)):
        controller.hears(line, Load(0, (VersionLoad("a/B/1.0.0", 1, 2, idle),)))
    assert controller.gateways.loads() == {"a/B/1.0.0": VersionLoad("a/B/1.0.0", 2, 4, 2.0)}
    controller.hears(second, Lost("r1", stuck=True))
    assert controller.lost == [Lost("r1", stuck=True)]


def test_calls_are_counted_from_when_a_gateway_connected_and_across_gateways(controller: Controller) -> None:
    first, second = controller.connect(), controller.connect()
    told = [(first, 100, 1000), (second, 7, 70), (first, 130, 1900), (second, 9, 90)]
    for number, (line, calls, size) in enumerate(told):
        controller.hears(
            line, Load(number, (VersionLoad("a/B/1.0.0", number, 0, 0.0),), (), (CallCount("a/A/1.0.0", "a/B", calls, size),))
        )
    controller.hears(first, Load(9, ()))
    assert controller.gateways.calls() == {("a/A/1.0.0", "a/B"): CallCount("a/A/1.0.0", "a/B", 32, 920)}


def test_a_gateway_that_reads_nothing_is_hung_up_on(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudlayer.fleet.gateways.SEND_SECONDS", 1)
    deaf, alive = controller.connect(), controller.connect()
    controller.hears(alive, Load(0, (VersionLoad("a/B/1.0.0", 1, 0, 0.0),)))
    many = _routes(1, *(f"replica-{number}" for number in range(50_000)))
    reader = threading.Thread(target=lambda: alive.makefile("rb").readline())
    reader.start()
    controller.gateways.publish(many)
    reader.join(10)
    assert not reader.is_alive()
    deaf.settimeout(5)
    while deaf.recv(1 << 20):
        pass


def test_a_line_that_is_no_message_ends_that_line_alone(controller: Controller) -> None:
    controller.gateways.publish(_routes(1))
    bad, good = controller.connect(), controller.connect()
    assert _read(good) == _read(bad) == _routes(1)
    bad.sendall(b"nonsense\n")
    assert bad.recv(10) == b""
    controller.hears(good, Load(1, (VersionLoad("a/B/1.0.0", 1, 0, 0.0),)))


def test_a_gateway_that_asks_is_told_what_there_is_or_that_it_cannot_be_told(controller: Controller) -> None:
    line = controller.connect()
    line.sendall(encode(Ask(1)))
    assert _read(line) == Figures(1, "cloudlayer_x 1\n")
    controller.figures = lambda: str(1 / 0)
    line.sendall(encode(Ask(2)))
    assert _read(line) == Figures(2, None)


def test_what_nobody_waits_for_any_more_is_not_measured(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    measuring, go = threading.Semaphore(0), threading.Event()

    def slow() -> str:
        measuring.release()
        assert go.wait(10)
        return "slow"

    controller.figures = slow
    line = controller.connect()
    for number, seconds in ((1, 60), (2, 0), (3, 60)):
        monkeypatch.setattr("cloudlayer.fleet.gateways.ASK_SECONDS", seconds)
        line.sendall(encode(Ask(number)))
        # Heard after it, as what comes on the line is heard in turn.
        controller.hears(line, Lost(f"r{number}"))
    go.set()
    assert [_read(line), _read(line)] == [Figures(1, "slow"), Figures(3, "slow")]
    assert [measuring.acquire(blocking=False) for _ in range(3)] == [True, True, False]
