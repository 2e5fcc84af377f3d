"""Taking down a fleet: what fails for good is told, and what goes well is waited for."""

from __future__ import annotations

import pytest

from cloudlayer.errors import TransientError
from cloudlayer.fleet.store import DesiredRow, Event, FleetRows, MachineRow, MachineState
from cloudlayer.fleet.stuck import PATIENCE, RECENT, Patience
from cloudlayer.resources import MachineType, Offer
from cloudlayer.testing.clock import SteppedClock
from cloudlayer.units import GIB

OFFER = Offer("shop", "here", "a", MachineType("small", 2.0, 4 * GIB), "on_demand", None)


class Down:
    """A fleet that is taken down, of which these machines are left."""

    def __init__(self, *names: str) -> None:
        self.clock = SteppedClock()
        self.patience = Patience(self.clock)
        self.left(*names)

    def left(self, *names: str) -> None:
        rows = [MachineRow("f", name, "b", 0, "shop:here", OFFER, {}, MachineState.DELETING, name) for name in names]
        self.rows = FleetRows(DesiredRow("f", 2, None), tuple(rows), (), ())
        self.patience.check(self.rows)

    def failed(self, subject: str) -> None:
        self.patience.hear(Event(0, "f", self.clock.now(), "error", subject, f"{subject} does not answer"))

    def later(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.patience.check(self.rows)


def test_what_failed_once_and_takes_its_time_is_waited_for() -> None:
    down = Down("m1")
    down.failed("m1")
    down.later(RECENT + 1)
    down.later(10 * PATIENCE)


def test_an_error_of_what_is_deleted_by_now_is_no_reason_to_give_up() -> None:
    down = Down("m1", "m2")
    down.clock.sleep(60)
    down.failed("m1")
    down.left("m2")
    down.clock.sleep(RECENT - 1)
    down.failed("m1 stop")
    down.later(PATIENCE)


@pytest.mark.parametrize("subject", ["m1", "shop:here"])
def test_what_fails_still_is_told_with_the_reason(subject: str) -> None:
    down = Down("m1")
    down.later(PATIENCE - 1)
    down.failed(subject)
    with pytest.raises(TransientError, match=r"There is left m1 \(small, m1\): .*; let it be reached"):
        down.later(2)
