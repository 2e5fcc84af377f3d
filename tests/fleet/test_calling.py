"""Who calls whom is what the manifest says until enough was seen, and then what was seen."""

from __future__ import annotations

from typing import Any

from cloudlayer.fleet.calling import Calling
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.routes import CallCount
from cloudlayer.fleet.store import ReplicaRow, ReplicaRowState
from cloudlayer.functions.manifest import Manifest
from cloudlayer.scheduler import Traffic

PAIR = ("nlp/Front/1.0.0", "nlp/Model")


class Clock:
    """Goes on when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


class Rows:
    """Two replicas of the caller."""

    replicas = tuple(
        ReplicaRow("f", f"r{number}", "nlp/Front", "1.0.0", "", "m1", "process", (), {}, ReplicaRowState.READY)
        for number in (1, 2)
    )


def desired(calls: Any) -> Desired:
    functions = [
        {"name": name, "version": "1.0.0", "image": "an/image", "calls": given}
        for name, given in (("nlp/Front", calls), ("nlp/Model", []))
    ]
    return Desired(Manifest.model_validate({"fleet": {"name": "f", "providers": ["local"]}, "function": functions}))


class Watching:
    """A fleet whose gateway has counted so many calls."""

    def __init__(self, calls: Any) -> None:
        self.clock = Clock()
        self.calling = Calling(self.clock)
        self.calls = calls
        self.count = self.size = 0
        self.after(0.0)

    def after(self, seconds: float, calls: int = 0, size: int = 0) -> tuple[Traffic, ...]:
        self.clock.seconds += seconds
        self.count, self.size = self.count + calls, self.size + size
        counts = {PAIR: CallCount(*PAIR, self.count, self.size)} if self.count else {}
        return self.calling.traffic(desired(self.calls), Rows(), counts)  # type: ignore[arg-type]


def test_until_calls_were_seen_the_manifest_holds() -> None:
    watching = Watching({"nlp/Model": {"rate": 5, "size": "1KiB"}})
    assert watching.after(10.0, 10_000, 100) == (Traffic("nlp/Front", "nlp/Model", 5.0, 1024.0),)


def test_calls_that_were_seen_hold_by_the_replicas_that_made_them() -> None:
    watching = Watching(["nlp/Model"])
    watching.after(200.0, 3000, 60_000)
    assert watching.after(100.0, 3000, 60_000) == (Traffic("nlp/Front", "nlp/Model", 10.0, 20.0),)


def test_noise_changes_nothing_and_what_lasts_does() -> None:
    watching = Watching({"nlp/Model": {"rate": 10, "size": 20}})
    told = watching.after(0.0)
    assert watching.after(300.0, 7500, 150_000) == told
    assert watching.after(300.0, 5000, 100_000) == told
    assert watching.after(300.0, 18_000, 360_000) == (Traffic("nlp/Front", "nlp/Model", 30.0, 20.0),)


def test_calls_that_end_are_forgotten() -> None:
    watching = Watching({"nlp/Model": {"rate": 10, "size": 20}})
    assert watching.after(300.0) == (Traffic("nlp/Front", "nlp/Model", 0.0, 20.0),)


def test_a_weight_that_its_user_changes_holds_anew() -> None:
    watching = Watching(["nlp/Model"])
    watching.after(300.0, 6000, 60_000)
    watching.calls = {"nlp/Model": {"rate": 2}}
    assert watching.after(1.0) == (Traffic("nlp/Front", "nlp/Model", 2.0, 16384.0),)


def test_a_weight_is_nothing_to_a_replica_that_runs() -> None:
    first, second = desired(["nlp/Model"]), desired({"nlp/Model": {"rate": 50}})
    front = "nlp/Front/1.0.0"
    assert first.digest(first.manifest.of(front)) == second.digest(second.manifest.of(front))  # type: ignore[arg-type]
