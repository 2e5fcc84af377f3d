"""What users ask of single machines: to take no more replicas, to be emptied, to be as the others again.

It is written down, and whoever holds the fleet's lease acts on it.
"""

from __future__ import annotations

from cloudlayer.errors import Conflict
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.store import Event, MachineRow

_CORDONED = "cordoned by hand: it takes no more replicas, and is kept"
_FREE = "it takes replicas again"
_DRAINED = "drained by hand"


def cordon(fleets: Fleets, row: MachineRow) -> None:
    """Let the machine take no more replicas. Those on it stay, and it is deleted for no idleness; one that drains goes on."""
    _mark(fleets, row, "cordon machine", _CORDONED, cordoned=True, emptying=row.emptying if row.goes else None)


def uncordon(fleets: Fleets, row: MachineRow) -> None:
    """Let it take replicas again; if it was being drained, no more of them leave."""
    _mark(fleets, row, "uncordon machine", _FREE, cordoned=False, emptying=None)


def drain(fleets: Fleets, row: MachineRow) -> None:
    """Let its replicas be started elsewhere and end here then; when it is empty, it is deleted."""
    since = fleets.clock.now() if row.emptying is None else row.emptying
    _mark(fleets, row, "drain machine", _DRAINED, cordoned=True, emptying=since)


def _mark(fleets: Fleets, row: MachineRow, kind: str, why: str, *, cordoned: bool, emptying: float | None) -> None:
    event = Event(0, row.fleet, fleets.clock.now(), kind, row.id, why)
    if not fleets.store.mark(row, cordoned=cordoned, emptying=emptying, event=event):
        raise Conflict(f"machine {row.id} is being deleted: {row.reason or 'it is gone'}", provider=row.provider)
