"""What was begun and has not ended: what an earlier run, or an earlier try, left under way; and the end of a whole fleet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from cloudlayer.fleet.store import MachineRow, MachineState, ReplicaRowState
from cloudlayer.fleet.view import Action, Buy, Delete, Drain, Park, Return, Start, Stop, View


def taken_down(view: View) -> Iterator[Action]:
    """Nothing is wanted: end what serves, resolve what was begun, then delete every machine."""
    yield from resumed(view)
    for row in view.replicas:
        if row.id in view.busy:
            continue
        if row.state is ReplicaRowState.READY:
            yield Drain(row, "the fleet is taken down")
        elif row.state is ReplicaRowState.PARKED:
            yield Stop(row, "the fleet is taken down")
    occupied = {row.machine for row in view.replicas}
    for machine in view.machines:
        if machine.id not in occupied and settled(machine, view):
            yield Delete(machine, "the fleet is taken down")


def resumed(view: View) -> Iterator[Action]:
    """What an earlier run, or an earlier try, began and did not end."""
    batches: dict[str, list[MachineRow]] = defaultdict(list)
    for machine in view.machines:
        if machine.id in view.busy:
            continue
        if machine.state is MachineState.BUYING:
            batches[machine.batch].append(machine)
        elif machine.state is MachineState.DELETING:
            yield Delete(machine, machine.reason)
    for rows in batches.values():
        yield Buy(tuple(sorted(rows, key=lambda row: row.position)), fresh=False, why="begun before, and its end not seen")
    yield from _resumed_replicas(view)


def _resumed_replicas(view: View) -> Iterator[Action]:
    running = {machine.id for machine in view.machines if machine.state is MachineState.RUNNING}
    for row in view.replicas:
        if row.id in view.busy:
            continue
        if row.state is ReplicaRowState.STARTING:
            if view.desired is None or view.spec(row) is None:
                yield Stop(row, "it is not wanted any more")
            elif row.machine in running:
                yield Start(row, fresh=False, why="begun before, and its end not seen")
        elif row.state is ReplicaRowState.PARKING and row.id in view.drained and row.machine in running:
            yield Park(row, fresh=False, why=row.reason)
        elif row.state is ReplicaRowState.RETURNING and row.machine in running:
            yield Return(row, fresh=False, why="begun before, and its end not seen")
        elif row.state is ReplicaRowState.STOPPING or (row.state is ReplicaRowState.DRAINING and row.id in view.drained):
            yield Stop(row, row.reason)


def settled(row: MachineRow, view: View) -> bool:
    """Whether the machine is there, and no thread works on it."""
    return row.state in (MachineState.PENDING, MachineState.RUNNING) and row.id not in view.busy
