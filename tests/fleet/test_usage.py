"""What replicas use: all machines are asked at once, and one that cannot be asked spoils nothing."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cloudlayer.errors import CloudLayerError, TransientError
from cloudlayer.fleet import usage
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.store import MachineState, ReplicaRowState
from cloudlayer.interfaces import ReplicaUsage, SystemClock

MACHINES = ("one", "two", "silent")
SPEC = {"name": "a/F", "version": "1.0.0", "image": "x:1", "resources": {"cpu": 2.0, "memory": "1GiB"}}


class Engine:
    """Answers only when all machines are asked."""

    def __init__(self, machine: str, everyone: threading.Barrier) -> None:
        self._machine = machine
        self._everyone = everyone

    def usage(self, *, deadline: object) -> dict[str, ReplicaUsage]:
        self._everyone.wait(5)
        if self._machine == "silent":
            raise TransientError("no answer")
        return {f"r-{self._machine}": ReplicaUsage(1.0, 4096)}


def test_machines_are_asked_at_once_and_one_that_does_not_answer_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "INTERVAL", 0.0)
    # All of them the first time, those that answered the second time.
    rounds = [threading.Barrier(3), threading.Barrier(2)]
    asked: dict[str, int] = {}

    def engine(machine: Any, name: str) -> Engine:
        asked[machine.id] = asked.get(machine.id, 0) + 1
        return Engine(machine.id, rounds[asked[machine.id] - 1])

    rows = [
        SimpleNamespace(id=f"r-{each}", machine=each, engine="docker", state=ReplicaRowState.READY, spec=SPEC)
        for each in MACHINES
    ]
    fleets = SimpleNamespace(
        machines=lambda fleet: [SimpleNamespace(id=each, state=MachineState.RUNNING) for each in MACHINES],
        replicas=lambda fleet: rows,
        clock=SystemClock(),
        clouds=SimpleNamespace(engine=engine, deadline=lambda seconds: None, clock=SystemClock()),
    )
    complaints: list[tuple[str, CloudLayerError]] = []
    found = usage.used(cast(Fleets, fleets), "seefood", lambda machine, error: complaints.append((machine, error)))
    assert [(each.row.id, each.cpu, each.memory, each.cpu_limit) for each in found] == [
        ("r-one", 0.0, 4096, 2.0),
        ("r-two", 0.0, 4096, 2.0),
    ]
    assert [(machine, str(error)) for machine, error in complaints] == [("silent", "no answer")]
