"""Which shapes fit a machine, as the bits of one number: the same as `arrays.fits`, kept up to date by a few look-ups.

For each resource a table says, by how much of it is free, which shapes it suffices for. Devices that are alike are interned,
so what one of them suffices for is found out once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from cloudlayer.scheduler.placing.arrays import COMPUTE, Booleans, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import UNIT, best_place, device_slices

_MOST_KEPT: Final = 1 << 18
"""So many amounts of a resource are remembered."""


class Device(NamedTuple):
    """One device as it is: its model, nominal memory, what is free of memory and compute, and the slices that are taken."""

    model: int
    size: int
    memory: int
    compute: int
    slices: int


def bits_of(flags: Booleans) -> list[int]:
    """For each row of (R, K) the number whose bit k is the row's entry k."""
    packed = np.packbits(flags, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


class Threshold(dict[int, tuple[int, int]]):
    """By how much of a resource is free: the shapes, as bits, that need no more, and its part of `most` in units.

    Both are found when they are asked for the first time.
    """

    def __init__(self, needs: Integers, most: int = UNIT) -> None:
        super().__init__()
        self._steps: list[int] = np.unique(needs).tolist()
        flags = needs[None, :] <= np.array(self._steps, dtype=np.int64)[:, None]
        self._bits = [0, *bits_of(flags)]
        self._most = most

    def __missing__(self, free: int) -> tuple[int, int]:
        if len(self) >= _MOST_KEPT:
            self.clear()
        found = self[free] = self._bits[bisect_right(self._steps, free)], free * UNIT // self._most
        return found


class Devices:
    """Devices by a number for each state in which one was seen, and what they suffice for."""

    def __init__(self, shapes: Shapes, machines: Machines) -> None:
        self._shapes = shapes
        self._places = machines.places
        self._spans: list[int] = device_slices(machines).tolist()
        self._models = bits_of(machines.models.T)
        self._whole, self._sliced = shapes.whole & (shapes.profile < 0), shapes.profile >= 0
        shared = ~self._whole & ~self._sliced
        self._shared, self._whole_bits = bits_of(shared[None, :])[0], bits_of(self._whole[None, :])[0]
        self._memory, self._compute = Threshold(shapes.device_memory), Threshold(shapes.device_compute)
        most = int(shapes.devices.max(initial=0))
        self._up_to = bits_of(shapes.devices[None, :] <= np.arange(most + 1)[:, None])
        self._several = bits_of(shapes.devices[None, :] > 1)[0]
        self._numbers: dict[Device, int] = {}
        self._before: dict[tuple[int, int, int], int] = {}
        self.after: list[dict[int, tuple[int, int]]] = [{} for _ in shapes.cpu]
        """What `with_one_more` has found, by shape and device."""
        self.states: list[Device] = []
        self.suits: list[int] = []
        """The shapes, as bits, that the device suffices for, were it for the device alone; by its number."""
        self.left: list[int] = []
        """The thousandths of it that can still be used."""

    def number(self, device: Device) -> int:
        """The number of the state in which the device is."""
        if device not in self._numbers:
            self._numbers[device] = len(self.states)
            self.states.append(device)
            self.suits.append(self._suits(device))
            self.left.append(self._left(device))
        return self._numbers[device]

    def enough(self, devices: Sequence[int]) -> int:
        """The shapes, as bits, that these devices of one machine suffice for: those of several by how many do."""
        suits = self.suits
        found = self._up_to[0]
        for device in devices:
            found |= suits[device]
        if not (several := found & self._several):
            return found
        useful = [suited for device in devices if (suited := suits[device] & several)]
        if useful.count(several) == len(useful):
            return found & ~several | several & self._up_to[min(len(useful), len(self._up_to) - 1)]
        return found & ~several | self._counted(useful)

    def with_one_more(self, device: int, shape: int) -> tuple[int, int]:
        """The device's number with a replica of `shape` more on it, and the slices, as bits, that it takes."""
        found = self.after[shape][device] = self._with(device, shape)
        return found

    def with_one_less(self, device: int, shape: int, slices: int) -> int:
        """The device's number without a replica of `shape` that took `slices` of it."""
        if (found := self._before.get((device, shape, slices))) is None:
            found = self._before[device, shape, slices] = self._without(device, shape, slices)
        return found

    def _without(self, device: int, shape: int, slices: int) -> int:
        state, shapes = self.states[device], self._shapes
        if self._sliced[shape]:
            return self.number(state._replace(slices=state.slices & ~slices))
        if self._whole[shape]:
            return self.number(state._replace(memory=state.size, compute=COMPUTE))
        memory, compute = int(shapes.device_memory[shape]), int(shapes.device_compute[shape])
        return self.number(state._replace(memory=state.memory + memory, compute=state.compute + compute))

    def _with(self, device: int, shape: int) -> tuple[int, int]:
        state, shapes = self.states[device], self._shapes
        if self._sliced[shape]:
            taken = best_place(self._places[state.model], int(shapes.profile[shape]), state.slices)
            return self.number(state._replace(slices=state.slices | taken)), taken
        if self._whole[shape]:
            return self.number(state._replace(memory=0, compute=0)), 0
        memory, compute = int(shapes.device_memory[shape]), int(shapes.device_compute[shape])
        return self.number(state._replace(memory=state.memory - memory, compute=state.compute - compute)), 0

    def _suits(self, device: Device) -> int:
        if device.compute < 0:
            return 0
        suited = 0
        if not device.slices:
            suited = self._shared & self._memory[device.memory][0] & self._compute[device.compute][0]
        if device.compute == COMPUTE and device.memory == device.size:
            suited |= (0 if device.slices else self._whole_bits) | self._instances(device)
        return suited & self._models[device.model]

    def _instances(self, device: Device) -> int:
        found = 0
        for shape in np.flatnonzero(self._sliced).tolist():
            places: Sequence[int] = self._places[device.model, self._shapes.profile[shape]].tolist()
            if any(place and not place & device.slices for place in places):
                found |= 1 << shape
        return found

    def _left(self, device: Device) -> int:
        if device.compute < 0:
            return 0
        by_memory = device.memory * COMPUTE // device.size if device.size else COMPUTE
        free = min(by_memory, device.compute)
        if not device.slices:
            return free
        total = self._spans[device.model].bit_count()
        return free * (total - device.slices.bit_count()) // total if total else 0

    def _counted(self, useful: Sequence[int]) -> int:
        """By counting for all shapes at once: `least[n]` are those for which n of the devices suffice."""
        least = [0] * len(self._up_to)
        for suited in useful:
            for number in range(len(least) - 1, 1, -1):
                least[number] |= least[number - 1] & suited
            least[1] |= suited
        found = 0
        for number in range(2, len(least)):
            found |= least[number] & self._up_to[number] & ~self._up_to[number - 1]
        return found
