"""Best fit as the order of an index: what is free of each machine, and how much that is in all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import numpy as np

from cloudlayer.scheduler.placing.arrays import COMPUTE, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import DEVICES_FIRST, UNIT, Scale
from cloudlayer.scheduler.placing.index import Choice, Entries, entry
from cloudlayer.scheduler.placing.index_fits import Device, Devices, Threshold, bits_of

_SCORE: Final = entry(1, 0)
"""What one of score adds to an entry."""
_SPARED: Final = DEVICES_FIRST * _SCORE


class BestFitOrder:
    """See `bestfit.best_fit` and `bestfit.tightest`: the same choices. The machines that it is made of are not changed."""

    def __init__(self, shapes: Shapes, machines: Machines) -> None:
        self._scale = Scale.of(machines)
        self._cpu: list[int] = machines.cpu.tolist()
        self._memory: list[int] = machines.memory.tolist()
        self._disk: list[int] = machines.disk.tolist()
        needs = (shapes.cpu.tolist(), shapes.memory.tolist(), shapes.disk.tolist(), shapes.devices.tolist())
        self._needs: list[tuple[int, int, int, int]] = list(zip(*needs, strict=True))
        self._enough = Threshold(shapes.cpu), Threshold(shapes.memory), Threshold(shapes.disk)
        self._known = Devices(shapes, machines)
        self._alone = [(index,) for index in range(machines.device_compute.shape[1])]
        self._alike, firsts = alike(machines)
        kinds = [self._devices(machines, first) for first in firsts.tolist()]
        allowed = bits_of(machines.allowed.T[firsts])
        self._devices_of = [kinds[kind] for kind in self._alike.tolist()]
        self._allowed = [allowed[kind] for kind in self._alike.tolist()]
        self.fits = [0] * len(machines.cpu)
        self._left = [0] * len(machines.cpu), [0] * len(machines.cpu)
        for machine in range(len(machines.cpu)):
            self._refresh(machine)
        self.entries: Sequence[Entries] = [self._left[int(devices > 0)] for devices in needs[3]]

    def alike(self) -> Integers:
        """See Order."""
        return self._alike

    def take(self, shape: int, machine: int) -> Choice:
        """See Order."""
        cpu, memory, disk, count = self._needs[shape]
        self._cpu[machine] -= cpu
        self._memory[machine] -= memory
        self._disk[machine] -= disk
        choice = self._take_devices(shape, machine) if count else Choice(machine)
        self._refresh(machine)
        return choice

    def give(self, shape: int, choice: Choice) -> None:
        """See Order."""
        machine = choice.machine
        cpu, memory, disk, _ = self._needs[shape]
        self._cpu[machine] += cpu
        self._memory[machine] += memory
        self._disk[machine] += disk
        if choice.devices:
            devices = list(self._devices_of[machine])
            for index, slices in zip(choice.devices, choice.slices, strict=True):
                devices[index] = self._known.with_one_less(devices[index], shape, slices)
            self._devices_of[machine] = tuple(devices)
        self._refresh(machine)

    def forbid(self, machine: int, shapes: int) -> None:
        """From now on these shapes, as bits, may not be on the machine."""
        self._allowed[machine] &= ~shapes
        self.fits[machine] &= ~shapes

    def _room(self, machine: int) -> tuple[int, int, int]:
        return self._cpu[machine], self._memory[machine], self._disk[machine]

    def _choose(self, shape: int, machine: int) -> tuple[int, ...]:
        """The devices that the shape gets on the machine, which it fits."""
        suits, left, count, bit = self._known.suits, self._known.left, self._needs[shape][3], 1 << shape
        numbers = self._devices_of[machine]
        if count == 1:
            best, least = 0, COMPUTE + 1
            for index, number in enumerate(numbers):
                if left[number] < least and suits[number] & bit:
                    best, least = index, left[number]
            return self._alone[best]
        suited = [(left[number], index) for index, number in enumerate(numbers) if suits[number] & bit]
        return tuple(sorted([index for _, index in sorted(suited)[:count]]))

    def _take_devices(self, shape: int, machine: int) -> Choice:
        chosen, numbers = self._choose(shape, machine), self._devices_of[machine]
        if len(chosen) == 1:
            (index,) = chosen
            number, taken = self._known.with_one_more(numbers[index], shape)
            self._devices_of[machine] = (*numbers[:index], number, *numbers[index + 1 :])
            return Choice(machine, chosen, taken)
        devices = list(numbers)
        slices: list[int] = []
        for index in chosen:
            devices[index], taken = self._known.with_one_more(devices[index], shape)
            slices += taken
        self._devices_of[machine] = tuple(devices)
        return Choice(machine, chosen, tuple(slices))

    def _refresh(self, machine: int) -> None:
        """Find anew which shapes fit the machine, and how much is left of it, for shapes without and with devices."""
        cpu, memory, scale = self._cpu[machine], self._memory[machine], self._scale
        of_cpu, of_memory, of_disk = self._enough
        devices = self._devices_of[machine]
        suited, shares = self._known.sets.get(devices) or self._known.holding(devices)
        fits = suited & self._allowed[machine] & of_cpu.bits[bisect_right(of_cpu.steps, cpu)]
        fits &= of_memory.bits[bisect_right(of_memory.steps, memory)]
        self.fits[machine] = fits & of_disk.bits[bisect_right(of_disk.steps, self._disk[machine])]
        rest = entry(cpu * UNIT // scale.cpu + memory * UNIT // scale.memory, machine)
        self._left[0][machine] = rest + shares * _SPARED
        self._left[1][machine] = rest + shares * UNIT // scale.compute * _SCORE

    def _devices(self, machines: Machines, machine: int) -> tuple[int, ...]:
        columns = (
            machines.model[machine],
            machines.size_memory[machine],
            machines.device_memory[machine],
            machines.device_compute[machine],
            machines.slices[machine],
        )
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return tuple(self._known.number(Device(*row)) for row in rows)


def alike(machines: Machines) -> tuple[Integers, Integers]:
    """The kind of each machine (M,), and the first machine of each kind."""
    columns = (machines.cpu, machines.memory, machines.disk)
    matrices = (machines.device_memory, machines.device_compute, machines.slices, machines.size_memory, machines.model)
    flags = np.packbits(machines.allowed.T, axis=1)
    table = np.hstack([np.stack(columns, axis=1), *matrices, flags.astype(np.int64)]).astype(np.int64, copy=False)
    # Sorting one number of each row is ten times as fast as sorting rows; where two kinds share a number, rows decide.
    sums = table @ np.random.default_rng(0).integers(1 << 62, size=table.shape[1])
    _, firsts, kinds = np.unique(sums, return_index=True, return_inverse=True)
    if not (table == table[firsts[kinds]]).all():
        _, firsts, kinds = np.unique(table, axis=0, return_index=True, return_inverse=True)
    return kinds.astype(np.int64, copy=False), firsts.astype(np.int64, copy=False)
