"""How many replicas are needed follows from calls that were heard of, and never from a gateway's silence."""

from __future__ import annotations

from cloudlayer.fleet.needs import Needs
from cloudlayer.fleet.routes import VersionLoad
from cloudlayer.fleet.store import DesiredRow, FleetRows
from cloudlayer.testing import SteppedClock
from tests.fleet.test_rollouts import OLD, desired, replica


def test_nothing_is_ended_before_it_is_known_what_calls_there_are() -> None:
    wanted = desired({"version": "1.0.0", "scale": {"min": 0, "max": 8, "idle": "30s"}})
    rows = FleetRows(DesiredRow("f", 1, None), (), tuple(replica(wanted, OLD, id=f"r{number}") for number in range(5)), ())
    clock = SteppedClock()
    needs = Needs(clock)
    for _ in range(3):
        assert needs.wanted(wanted, rows, {}, heard=False)[OLD] == 5
        clock.sleep(60.0)
    assert needs.wanted(wanted, rows, {OLD: VersionLoad(OLD, 2, 0, 0.0)})[OLD] < 5
