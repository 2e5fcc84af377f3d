"""Best fit as the order of an index: what is free of each machine, and how much that is in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from cloudlayer.scheduler.placing.arrays import COMPUTE, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import DEVICES_FIRST, UNIT, Scale
from cloudlayer.scheduler.placing.index import Choice, Entries, entry
from cloudlayer.scheduler.placing.index_fits import Device, Devices, Threshold, bits_of

_SCORE: Final = entry(1, 0)
"""What one of score adds to an entry."""
_MACHINE: Final = entry(0, 1)


class BestFitOrder:
    """See `bestfit.best_fit` and `bestfit.tightest`: the same choices. The machines that it is made of are not changed."""

    def __init__(self, shapes: Shapes, machines: Machines) -> None:
        scale, self._width = Scale.of(machines), machines.device_compute.shape[1]
        self._cpu: list[int] = machines.cpu.tolist()
        self._memory: list[int] = machines.memory.tolist()
        self._disk: list[int] = machines.disk.tolist()
        needs = (shapes.cpu.tolist(), shapes.memory.tolist(), shapes.disk.tolist(), shapes.devices.tolist())
        self._needs: list[tuple[int, int, int, int]] = list(zip(*needs, strict=True))
        self._enough = Threshold(shapes.cpu, scale.cpu), Threshold(shapes.memory, scale.memory), Threshold(shapes.disk)
        self._known = Devices(shapes, machines)
        self._alone = [(index,) for index in range(self._width)]
        self._parts: list[int] = (np.arange(self._width * COMPUTE + 1) * UNIT // scale.compute).tolist()
        self._alike, firsts = alike(machines)
        kinds = [self._numbers(machines, first) for first in firsts.tolist()]
        self._devices: list[int] = (
            np.array(kinds, dtype=np.int64).reshape(len(kinds), self._width)[self._alike].ravel().tolist()
        )
        self._shares = self._by_kind([sum(self._known.left[number] for number in kind) for kind in kinds])
        self._suited = self._by_kind([self._known.enough(kind) for kind in kinds])
        self._allowed = self._by_kind(bits_of(machines.allowed.T[firsts]))
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
            self._give_devices(shape, choice)
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
        numbers = self._devices_of(machine)
        if count == 1:
            best, least = 0, COMPUTE + 1
            for index, number in enumerate(numbers):
                if left[number] < least and suits[number] & bit:
                    best, least = index, left[number]
            return self._alone[best]
        suited = [(left[number], index) for index, number in enumerate(numbers) if suits[number] & bit]
        return tuple(sorted([index for _, index in sorted(suited)[:count]]))

    def _devices_of(self, machine: int) -> list[int]:
        """The numbers of its devices."""
        return self._devices[machine * self._width : (machine + 1) * self._width]

    def _take_devices(self, shape: int, machine: int) -> Choice:
        chosen, known, devices, after = self._choose(shape, machine), self._known, self._devices, self._known.after[shape]
        first, lost, fall = machine * self._width, 0, 0
        slices = []
        for index in chosen:
            before = devices[first + index]
            number, taken = after.get(before) or known.with_one_more(before, shape)
            devices[first + index] = number
            slices.append(taken)
            lost |= known.suits[before] ^ known.suits[number]
            fall += known.left[before] - known.left[number]
        self._shares[machine] -= fall
        if lost:
            self._suited[machine] = known.enough(self._devices_of(machine))
        return Choice(machine, chosen, tuple(slices))

    def _give_devices(self, shape: int, choice: Choice) -> None:
        machine, known, devices = choice.machine, self._known, self._devices
        first = machine * self._width
        for index, slices in zip(choice.devices, choice.slices, strict=True):
            before = devices[first + index]
            number = devices[first + index] = known.with_one_less(before, shape, slices)
            self._shares[machine] += known.left[number] - known.left[before]
        self._suited[machine] = known.enough(self._devices_of(machine))

    def _refresh(self, machine: int) -> None:
        """Find anew which shapes fit the machine, and how much is left of it, for shapes without and with devices."""
        of_cpu, of_memory, of_disk = self._enough
        by_cpu, cpu = of_cpu[self._cpu[machine]]
        by_memory, memory = of_memory[self._memory[machine]]
        by_disk, _ = of_disk[self._disk[machine]]
        self.fits[machine] = by_cpu & by_memory & by_disk & self._allowed[machine] & self._suited[machine]
        rest, shares = cpu + memory, self._shares[machine]
        self._left[0][machine] = (rest + shares * DEVICES_FIRST) * _SCORE + machine * _MACHINE
        self._left[1][machine] = (rest + self._parts[shares]) * _SCORE + machine * _MACHINE

    def _by_kind(self, values: Sequence[int]) -> list[int]:
        """By machine, from values by kind."""
        return [values[kind] for kind in self._alike.tolist()]

    def _numbers(self, machines: Machines, machine: int) -> list[int]:
        columns = (
            machines.model[machine],
            machines.size_memory[machine],
            machines.device_memory[machine],
            machines.device_compute[machine],
            machines.slices[machine],
        )
        return [self._known.number(Device(*row)) for row in zip(*(column.tolist() for column in columns), strict=True)]


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
