"""The end of a fleet of which something cannot be deleted: it is waited for for a while, and then told, with the mend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloudlayer.errors import TransientError
from cloudlayer.fleet.store import Event, FleetRows, MachineRow
from cloudlayer.interfaces import Clock

PATIENCE: Final = 120.0
"""Seconds for which what fails is tried, while nothing else of the fleet changes."""
RECENT: Final = 90.0
"""Seconds for which an error counts: what still fails is tried again within them, and what failed once may go well by now."""


class Patience:
    """Hears the events of a fleet that is taken down, and looks at what is left of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: frozenset[tuple[str, str]] = frozenset()
        self._since = clock.monotonic()
        self._said: dict[str, tuple[float, str]] = {}
        self._known: set[str] = set()

    def hear(self, event: Event) -> None:
        """Something happened; only errors are of interest."""
        if event.kind == "error":
            self._said[event.subject] = self._clock.monotonic(), event.message

    def check(self, rows: FleetRows) -> None:
        """Raises TransientError, with what is left and why, once nothing has changed for PATIENCE but that it fails still."""
        machines = ((row.id, str(row.state)) for row in rows.machines)
        left = frozenset((*machines, *((row.id, str(row.state)) for row in rows.replicas)))
        names = {name for name, _ in left}
        now = self._clock.monotonic()
        if left != self._left:
            self._left, self._since = left, now
            self._known |= names
        elif now - self._since >= PATIENCE and (failing := self._failing(names, now)):
            there = "; ".join(f"{_called(machine)}: {_reason(machine, rows, failing)}" for machine in rows.machines)
            mend = "let it be reached and run this again: what it began goes on, and all else is deleted already"
            raise TransientError(f"not all can be deleted. There is left {there or '; '.join(failing.values())}; {mend}")

    def _failing(self, left: set[str], now: float) -> dict[str, str]:
        """What failed of late, by its subject; not of machines and replicas that are gone."""
        gone = self._known - left
        return {
            subject: message
            for subject, (at, message) in self._said.items()
            if now - at <= RECENT and subject.partition(" ")[0] not in gone
        }


def _reason(machine: MachineRow, rows: FleetRows, failing: Mapping[str, str]) -> str:
    subjects = (machine.id, *(row.id for row in rows.replicas if row.machine == machine.id))
    said = [failing[subject] for subject in subjects if subject in failing]
    return said[0] if said else machine.reason or str(machine.state)


def _called(machine: MachineRow) -> str:
    return f"{machine.id} ({machine.offer.machine_type.name}, {machine.instance or 'not bought yet'})"
