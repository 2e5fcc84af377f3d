"""Doing what `turns` decides: replicas leave their GPUs, and come back to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from cloudlayer.errors import CloudError, EngineError, Throttled, TransientError
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.store import Event, Lease, MachineRow, ReplicaRow, ReplicaRowState, writes
from cloudlayer.fleet.view import Park, Return
from cloudlayer.interfaces import Clock

MOVE_SECONDS: Final = 300.0
"""How long moving a replica's memory off its GPUs, or back, may take."""


class Mover:
    """Moves one replica at a time, on whatever thread. Its intent is in the store before, and what came of it after."""

    def __init__(self, lease: Lease, clouds: Clouds, clock: Clock, changed: Callable[[], None]) -> None:
        """`changed` is called when a replica takes calls again, or ends."""
        self._lease = lease
        self._clouds = clouds
        self._clock = clock
        self._changed = changed

    def move_off(self, action: Park, machine: MachineRow) -> None:
        """Move a replica off its GPUs; where that cannot be, it ends in its place."""
        row = replace(action.row, state=action.state)  # as its intent left it
        try:
            self._clouds.engine(machine, row.engine).move_off(row.id, deadline=self._clouds.deadline(MOVE_SECONDS))
        except (Throttled, TransientError):
            raise
        except (EngineError, CloudError) as error:
            self._turned(row, ReplicaRowState.STOPPING, "not moved off its GPU", f"{row.key} ends in its place: {error}")
        else:
            self._turned(row, ReplicaRowState.PARKED, "off its GPU", f"{row.key}: {action.why}")

    def bring_back(self, action: Return, machine: MachineRow) -> None:
        """Bring a replica back to its GPUs; one that cannot come back ends, and another is started."""
        row = replace(action.row, state=action.state)  # as its intent left it
        try:
            self._clouds.engine(machine, row.engine).bring_back(row.id, deadline=self._clouds.deadline(MOVE_SECONDS))
        except (Throttled, TransientError):
            raise
        except (EngineError, CloudError) as error:
            self._turned(row, ReplicaRowState.STOPPING, "not brought back", f"{row.key} ends: {error}")
        else:
            self._turned(row, ReplicaRowState.READY, "back on its GPU", row.key)
        self._changed()

    def _turned(self, row: ReplicaRow, state: ReplicaRowState, kind: str, message: str) -> None:
        now = self._clock.now()
        with self._lease.write() as connection:
            if not writes.replica_is(connection, row):
                return  # it ended meanwhile, with its machine perhaps
            reason = message if state is ReplicaRowState.STOPPING else ""
            writes.change_replica(connection, row, now, state=state, reason=reason)
            writes.add_event(connection, Event(0, row.fleet, now, kind, row.id, message))
