"""The end of a fleet of which something cannot be deleted: it is waited for for a while, and then told, with the mend."""

from __future__ import annotations

from typing import Final

from cloudlayer.errors import TransientError
from cloudlayer.fleet.store import Event, FleetRows, MachineRow
from cloudlayer.interfaces import Clock

PATIENCE: Final = 120.0
"""Seconds for which what fails is tried, while nothing else of the fleet changes."""


class Patience:
    """Hears the events of a fleet that is taken down, and looks at what is left of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: frozenset[tuple[str, str]] = frozenset()
        self._since = clock.monotonic()
        self._said: dict[str, str] = {}

    def hear(self, event: Event) -> None:
        """Something happened; only errors are of interest."""
        if event.kind == "error":
            self._said[event.subject] = event.message

    def check(self, rows: FleetRows) -> None:
        """Raises TransientError, with what is left and why, once nothing has changed for PATIENCE but that it failed again."""
        machines = ((row.id, str(row.state)) for row in rows.machines)
        left = frozenset((*machines, *((row.id, str(row.state)) for row in rows.replicas)))
        now = self._clock.monotonic()
        if left != self._left:
            self._left, self._since, self._said = left, now, {}
        elif self._said and now - self._since >= PATIENCE:
            there = "; ".join(f"{_called(machine)}: {self._reason(machine, rows)}" for machine in rows.machines)
            mend = "let it be reached and run this again: what it began goes on, and all else is deleted already"
            raise TransientError(f"not all can be deleted. There is left {there or '; '.join(self._said.values())}; {mend}")

    def _reason(self, machine: MachineRow, rows: FleetRows) -> str:
        subjects = (machine.id, *(row.id for row in rows.replicas if row.machine == machine.id))
        said = [self._said[subject] for subject in subjects if subject in self._said]
        return said[0] if said else machine.reason or str(machine.state)


def _called(machine: MachineRow) -> str:
    return f"{machine.id} ({machine.offer.machine_type.name}, {machine.instance or 'not bought yet'})"
