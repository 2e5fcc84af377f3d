"""Replicas of a packing that may move, as arrays: who is where, and what the machines are without them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.placing.arrays import COMPUTE, Integers, Machines, Shapes, fits
from cloudlayer.scheduler.placing.assignment import OUT, Assignment
from cloudlayer.scheduler.placing.boards import MOST_DEVICES
from cloudlayer.scheduler.placing.translating import arrays, foes
from cloudlayer.scheduler.sizes import DemandClass
from cloudlayer.scheduler.types import Placement

_PLENTY: Final = 1 << 48
"""Bytes of one machine that are enough for anybody: a disk that is yet to be ordered has more than sums have room for."""

Seat = tuple[int, tuple[int, ...]]
"""A machine by its number, and the devices on it."""


def movable(classes: Sequence[DemandClass]) -> list[DemandClass]:
    """Those whose place is a matter of room alone: not `spread`, not kept `apart` from each other, without MIG instances."""
    apart = foes([each.demand for each in classes])
    return [
        each
        for each, foe in zip(classes, apart, strict=True)
        if not foe and each.demand.spread is None and each.demand.gpu_profile is None
    ]


@dataclass(frozen=True, slots=True)
class Seating:
    """The machines that hold any of some classes, as they are without those that may move, and who is where now.

    `start` has the replicas of the classes in the order of their ids; `machines` are those of `names`, with `free` of them now.
    """

    classes: Sequence[DemandClass]
    names: Sequence[str]
    shapes: Shapes
    machines: Machines
    free: Machines
    start: Assignment

    @classmethod
    def of(cls, classes: Sequence[DemandClass], packing: Packing) -> Seating:
        """Of the replicas of these classes, those move that the packing has, and the others wait."""
        ids = {replica for each in classes for replica in each.ids}
        places = {each.demand: each for each in packing.placements() if each.demand in ids}
        demands, names = [each.demand for each in classes], list(packing.machines)
        shapes, machines = arrays(demands, [packing.without(name, places) for name in names])
        _, free = arrays(demands, list(packing.machines.values()))
        holding = np.flatnonzero(np.any([fits(shapes, shape, machines) for shape in range(len(classes))], axis=0))
        names = [names[index] for index in holding.tolist()]
        machines = _only(machines, holding)
        return cls(classes, names, shapes, machines, _only(free, holding), _assignment(classes, places, names, machines))

    def may_hold_more(self) -> bool:
        """Whether what is free now, over all machines, is enough for one replica that waits."""
        if not self.names or self.machines.device_compute.shape[1] > MOST_DEVICES:
            return False
        shapes, free = self.shapes, self.free
        compute = np.where(shapes.whole, COMPUTE, shapes.device_compute)
        needs = [shapes.cpu, shapes.memory, shapes.disk, shapes.devices * compute, shapes.devices * shapes.device_memory]
        totals = [free.cpu, free.memory, free.disk, free.device_compute, free.device_memory]
        enough = np.all([need <= int(total.clip(0, _PLENTY).sum()) for need, total in zip(needs, totals, strict=True)], axis=0)
        return bool(enough[self.start.shape[~self.start.placed]].any())

    def seats(self, where: Assignment) -> Iterator[list[Seat | None]]:
        """Class by class, the seats of its replicas in the order of their ids; None for those without one."""
        every = [
            None if machine == OUT else (machine, tuple(np.flatnonzero(devices).tolist()))
            for machine, devices in zip(where.machine.tolist(), where.devices, strict=True)
        ]
        first = 0
        for each in self.classes:
            yield every[first : first + len(each.ids)]
            first += len(each.ids)


def _assignment(
    classes: Sequence[DemandClass], places: dict[str, Placement], names: Collection[str], machines: Machines
) -> Assignment:
    start = Assignment.nowhere(np.array([len(each.ids) for each in classes]), machines)
    numbers = {name: number for number, name in enumerate(names)}
    for row, replica in enumerate(replica for each in classes for replica in each.ids):
        if replica in places:
            start.machine[row] = numbers[places[replica].machine]
            start.devices[row, list(places[replica].devices)] = True
    return start


def _only(machines: Machines, chosen: Integers) -> Machines:
    """Those chosen."""
    alike = ("allowed", "models", "places")
    rows = {each.name: getattr(machines, each.name)[chosen] for each in fields(machines) if each.name not in alike}
    return replace(machines, **rows, allowed=machines.allowed[:, chosen])
