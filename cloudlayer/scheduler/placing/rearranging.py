"""Where not all find a place one after another: those that a plan placed so are put closer together, so that more fit.

Nothing runs yet, so this costs nothing, and what then has a place need not be bought for. It matters most for machines that
were bought for just these replicas and are still booting: what a mix of machines holds is packed closely, and by best fit
alone it would be bought for again. Those that are `spread`, kept `apart` from others of the plan, or take MIG instances stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.placing.arrays import COMPUTE, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.assignment import Assignment
from cloudlayer.scheduler.placing.batch import batch
from cloudlayer.scheduler.placing.seating import Seating, movable
from cloudlayer.scheduler.placing.translating import COMPILED_FROM
from cloudlayer.scheduler.sizes import DemandClass

TRIES: Final = 400
"""So many at least, of some 40 to 100 microseconds each; one concerns three machines at most."""
TRIES_EACH: Final = 8
"""So many more for each machine or each replica, whichever are fewer."""
_THOUSANDTHS: Final = 1000


def rearranged(wanted: Sequence[DemandClass], rest: Sequence[DemandClass], packing: Packing) -> Sequence[DemandClass]:
    """The part of `rest` that has no place still, once those of `wanted` that have one in the packing are rearranged.

    No class has fewer of its replicas placed than before. It is `rest` itself, and nothing is changed, where no more fit. The
    number of tries is bounded, and none is made where what is free in all would not hold one more.
    """
    classes = movable(wanted)
    out = {replica for each in rest for replica in each.ids}
    ids = [replica for each in classes for replica in each.ids]
    if out.isdisjoint(ids) or out.issuperset(ids):
        return rest
    seating = Seating.of(classes, packing)
    if not seating.may_hold_more():
        return rest
    found = _closer(seating)
    if found.placed.sum() == seating.start.placed.sum():
        return rest
    out -= _carry_out(seating, found, packing)
    return [DemandClass(each.demand, left) for each in rest if (left := tuple(sorted(out.intersection(each.ids))))]


def _closer(seating: Seating) -> Assignment:
    """With as many as are found to fit."""
    counts = np.array([len(each.ids) for each in seating.classes])
    return batch(
        seating.shapes,
        counts,
        seating.machines,
        _values(seating.shapes, seating.machines),
        iterations=TRIES + TRIES_EACH * min(len(seating.names), int(counts.sum())),
        earlier=seating.start,
        keep=True,
        fast=None if counts.sum() >= COMPILED_FROM else False,
    )


def _values(shapes: Shapes, machines: Machines) -> Integers:
    """The largest part, in thousandths, that a replica takes: of the largest machine's processors or memory, or of devices."""
    memory = shapes.device_memory * _THOUSANDTHS // max(1, int(machines.size_memory.max(initial=1)))
    share = np.where(shapes.whole, _THOUSANDTHS, np.maximum(shapes.device_compute * _THOUSANDTHS // COMPUTE, memory))
    parts = [
        shapes.cpu * _THOUSANDTHS // max(1, int(machines.cpu.max(initial=1))),
        shapes.memory // max(1, int(machines.memory.max(initial=1)) // _THOUSANDTHS),
        shapes.devices * share,
    ]
    values: Integers = np.maximum(1, np.max(parts, axis=0))
    return values


def _carry_out(seating: Seating, found: Assignment, packing: Packing) -> set[str]:
    """Change the packing; returns who has a place now that had none. Of a class, as many as can stay where they are."""
    moves, fresh = [], []
    for each, before, after in zip(seating.classes, seating.seats(seating.start), seating.seats(found), strict=True):
        free = Counter(seat for seat in after if seat is not None)
        homeless = []
        for replica, seat in zip(each.ids, before, strict=True):
            if seat is not None and free[seat]:
                free[seat] -= 1
            elif seat is not None:
                homeless.append((replica, seating.names[seat[0]]))
        seats = [(seating.names[machine], devices) for machine, devices in sorted(free.elements())]
        moves += [(*one, *seat) for one, seat in zip(homeless, seats, strict=False)]
        waiting = [replica for replica, seat in zip(each.ids, before, strict=True) if seat is None]
        fresh += [(one, each.demand, *seat) for one, seat in zip(waiting, seats[len(homeless) :], strict=False)]
    packing.exchange(moves)
    for replica, demand, machine, devices in fresh:
        packing.put(replica, demand, machine, devices)
    return {replica for replica, *_ in fresh}
