"""Plain best fit, straight from its definition: the machine of which the least is left, and of it the tightest devices.

Every quicker way (`index`, `index_fast`) is tested against this one, which looks at all machines for each replica.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloudlayer.scheduler.placing.arrays import COMPUTE, Integers, Machines, Shapes, fits, suitable_devices

NOWHERE: Final = -1
"""The machine of a replica that fits none."""
UNIT: Final = 1 << 20
"""What is free is measured in this part of the most that one machine has free at the start."""
DEVICES_FIRST: Final = 1 << 22
"""A thousandth of a device outweighs, for those who need none, all cores and memory that a machine has left."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The most that one machine has free at the start: thousandths of a core, bytes, thousandths of devices. At least 1."""

    cpu: int
    memory: int
    compute: int

    @classmethod
    def of(cls, machines: Machines) -> Scale:
        """The scale of these machines as they are now."""
        most = (machines.cpu, machines.memory, shares_left(machines).sum(axis=1))
        return cls(*(max(1, int(each.max(initial=1))) for each in most))


def device_slices(machines: Machines) -> Integers:
    """Of shape (models,): the memory slices of a device of each model, as bits; 0 where it has none."""
    bits: Integers = np.bitwise_or.reduce(machines.places.reshape(len(machines.places), -1), axis=1, initial=0)
    return bits


def shares_left(machines: Machines) -> Integers:
    """Of shape (M, D): thousandths of each device that can still be used, by the scarcest of memory, compute and slices."""
    present = machines.device_compute >= 0
    sizes = np.maximum(machines.size_memory, 1)
    by_memory = np.where(machines.size_memory > 0, machines.device_memory * COMPUTE // sizes, COMPUTE)
    free = np.minimum(by_memory, machines.device_compute)
    total = np.bitwise_count(device_slices(machines)).astype(np.int64)[np.where(present, machines.model, 0)]
    unsliced = total - np.bitwise_count(machines.slices)
    sliced = np.where(total > 0, free * unsliced // np.maximum(total, 1), 0)
    left: Integers = np.where(present, np.where(machines.slices != 0, sliced, free), 0)
    return left


def remains(machines: Machines, scale: Scale) -> Integers:
    """Of shape (2, M): how much is left of each machine, first for shapes with no devices, then for those with some.

    For these it is the sum of the parts that are left of processors, memory and devices; the others spare devices first.
    """
    shares = shares_left(machines).sum(axis=1)
    rest = machines.cpu * UNIT // scale.cpu + machines.memory * UNIT // scale.memory
    return np.stack([shares * DEVICES_FIRST + rest, shares * UNIT // scale.compute + rest])


def best_fit(shapes: Shapes, shape: int, machines: Machines, scale: Scale) -> int:
    """The machine that has the least left of those that a replica of `shape` fits, ties by index; NOWHERE if it fits none."""
    left = remains(machines, scale)[int(shapes.devices[shape] > 0)]
    room = fits(shapes, shape, machines)
    return int(np.where(room, left, np.iinfo(np.int64).max).argmin()) if room.any() else NOWHERE


def tightest(shapes: Shapes, shape: int, machines: Machines, machine: int) -> tuple[int, ...]:
    """The devices of `machine`, which has room, that suffice for the shape and have the least left, ties by index."""
    one = rows(machines, np.array([machine]))
    suitable = suitable_devices(shapes, shape, one)[0]
    left = np.where(suitable, shares_left(one)[0], np.iinfo(np.int64).max)
    return tuple(sorted(np.argsort(left, kind="stable")[: shapes.devices[shape]].tolist()))


def best_place(places: Integers, profile: int, taken: int) -> int:
    """The slices, as bits, for an instance of `profile` beside those `taken`; 0 if none are open.

    `places` (profiles, places) are those of the device's model. The place that keeps the most slices of all places open is
    chosen, ties by the highest: the lowest ones suit the largest profiles.
    """
    free = [place for place in places[profile].tolist() if place and not place & taken]
    return max(free, key=lambda place: (_room(places, taken | place), place), default=0)


def rows(machines: Machines, which: Integers) -> Machines:
    """Copies of some of the machines."""
    return Machines(
        machines.cpu[which],
        machines.memory[which],
        machines.disk[which],
        machines.device_memory[which],
        machines.device_compute[which],
        machines.slices[which],
        machines.size_memory[which],
        machines.model[which],
        machines.allowed[:, which],
        machines.models,
        machines.places,
    )


def _room(places: Integers, taken: int) -> int:
    return sum(place.bit_count() for place in places.ravel().tolist() if not place & taken)
