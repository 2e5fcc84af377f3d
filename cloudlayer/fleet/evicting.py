"""Replicas that end because one of a higher priority needs their room, and who waits for that room.

Nothing of it is written down: as long as the room is not free, every plan finds that those who are ending already make it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from cloudlayer.fleet.store import ReplicaRowState
from cloudlayer.fleet.view import Drain, Stop, View
from cloudlayer.scheduler import Placement, Plan


def ends(view: View, plan: Plan) -> Iterator[Drain | Stop]:
    """Let those that are evicted end, unless they do already; one that takes no calls is stopped."""
    reasons = {eviction.replica: eviction.reason for eviction in plan.evictions}
    for row in view.replicas:
        if row.id not in reasons or row.id in view.busy:
            continue
        if row.state is ReplicaRowState.READY:
            yield Drain(row, reasons[row.id])
        elif row.state in (ReplicaRowState.STARTING, ReplicaRowState.PARKED):
            yield Stop(row, reasons[row.id])


def free(plan: Plan, machines: Container[str]) -> list[Placement]:
    """The placements on `machines` that need not wait: all on a machine wait until the evicted have left it."""
    clearing = {eviction.machine for eviction in plan.evictions}
    return [each for each in plan.placements if each.machine in machines and each.machine not in clearing]
