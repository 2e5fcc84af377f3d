"""Machines grouped by what they can hold: the view of them that a bound needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloudlayer.scheduler.placing.arrays import ABSENT, COMPUTE, Integers, Machines, Shapes

Floats = NDArray[np.float64]

FINEST: Final = 4096
"""A device is told into at most so many parts; what a share takes is rounded down to whole ones, which no bound minds."""


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """Devices alike on a machine: how many, the parts free on each, whether untouched, and the MIG slices in use.

    `places` (profiles, places) are those of its model.
    """

    number: int
    parts: int
    untouched: bool
    slices: int
    places: Integers

    def most(self, symbol: Symbol) -> int:
        """How many replicas' parts `symbol` one such device holds at most, alone on it."""
        if symbol.profile >= 0:
            pieces = [int(place).bit_count() for place in self.places[symbol.profile] if place and not place & self.slices]
            return int(self.places.max(initial=0)).bit_length() // min(pieces) if self.untouched and pieces else 0
        if self.slices or (symbol.whole and not self.untouched):
            return 0
        return 1 if symbol.whole else self.parts // symbol.parts


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a replica takes of each of its devices: all of it, an instance of a profile, or so many parts."""

    whole: bool = False
    profile: int = -1
    parts: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """`number` machines alike. `size` (3,) is what each has of processors, memory and disk.

    `held` are the shapes that fit one at all, `most` how many of each fit one alone at most, and `symbols` what they take
    of each device; None where that is nothing that counts.
    """

    number: int
    size: Floats
    devices: tuple[DeviceKind, ...]
    held: tuple[int, ...]
    most: tuple[int, ...]
    symbols: tuple[Symbol | None, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """Shares are told by their memory or by their compute, in parts of `unit`."""

    by_memory: bool
    unit: int


def kinds(shapes: Shapes, wanted: Integers, machines: Machines) -> list[Kind]:
    """The machines by kind, as far as they hold any of the shapes `wanted`."""
    by_memory = _by_memory(shapes, wanted, machines)
    scale = Scale(by_memory, _unit(shapes, wanted, machines, by_memory))
    groups: dict[bytes, list[int]] = {}
    for machine in range(len(machines.cpu)):
        groups.setdefault(_state(machines, machine), []).append(machine)
    found = [_kind(shapes, wanted, machines, members, scale) for members in groups.values()]
    return [kind for kind in found if kind.held]


def _state(machines: Machines, machine: int) -> bytes:
    rows = np.stack([
        machines.model[machine], machines.device_compute[machine], machines.device_memory[machine],
        machines.slices[machine], machines.size_memory[machine],
    ])  # fmt: skip
    ordered = rows[:, np.lexsort(rows)]
    sizes = np.array([machines.cpu[machine], machines.memory[machine], machines.disk[machine]])
    return sizes.tobytes() + ordered.tobytes() + machines.allowed[:, machine].tobytes()


def _by_memory(shapes: Shapes, wanted: Integers, machines: Machines) -> bool:
    """Whether shares ask more of devices' memory than of their compute. The other is left out, which no bound minds."""
    size = max(1, int(machines.size_memory.max(initial=1)))
    memory = float((shapes.device_memory[wanted] / size).sum())
    return memory > float((shapes.device_compute[wanted] / COMPUTE).sum())


def _unit(shapes: Shapes, wanted: Integers, machines: Machines, by_memory: bool) -> int:
    """The size of one part: what divides all shares, unless that makes too many parts."""
    asked = (shapes.device_memory if by_memory else shapes.device_compute)[wanted]
    size = int((machines.size_memory if by_memory else machines.device_compute).max(initial=1))
    return max(1, gcd(*(int(share) for share in asked[~shapes.whole[wanted]])), -(-size // FINEST))


def _kind(shapes: Shapes, wanted: Integers, machines: Machines, members: list[int], scale: Scale) -> Kind:
    machine = members[0]
    devices = tuple(_devices(machines, machine, scale))
    models = set(machines.model[machine][machines.device_compute[machine] != ABSENT].tolist())
    size = np.array([machines.cpu[machine], machines.memory[machine], machines.disk[machine]], dtype=np.int64)
    held, most, symbols = [], [], []
    for shape in wanted.tolist():
        symbol = _symbol(shapes, shape, scale)
        number = _most(shapes, shape, size, devices, symbol)
        accepted = not shapes.devices[shape] or any(machines.models[shape][model] for model in models)
        if number and accepted and machines.allowed[shape, machine]:
            held.append(shape)
            most.append(number)
            symbols.append(symbol)
    return Kind(len(members), size.astype(np.float64), devices, tuple(held), tuple(most), tuple(symbols))


def _devices(machines: Machines, machine: int, scale: Scale) -> Iterator[DeviceKind]:
    free = (machines.device_memory if scale.by_memory else machines.device_compute)[machine]
    numbers: dict[tuple[int, bool, int, int], int] = {}
    for device in np.flatnonzero(machines.device_compute[machine] != ABSENT).tolist():
        whole = machines.device_compute[machine, device] == COMPUTE
        untouched = bool(whole and machines.device_memory[machine, device] == machines.size_memory[machine, device])
        slices = int(machines.slices[machine, device])
        state = (int(free[device]) // scale.unit, untouched, slices, int(machines.model[machine, device]))
        numbers[state] = numbers.get(state, 0) + 1
    for (parts, untouched, slices, model), number in numbers.items():
        yield DeviceKind(number, parts, untouched, slices, machines.places[model])


def _symbol(shapes: Shapes, shape: int, scale: Scale) -> Symbol | None:
    if not shapes.devices[shape]:
        return None
    if shapes.profile[shape] >= 0:
        return Symbol(profile=int(shapes.profile[shape]))
    if shapes.whole[shape]:
        return Symbol(whole=True)
    parts = int((shapes.device_memory if scale.by_memory else shapes.device_compute)[shape]) // scale.unit
    return Symbol(parts=parts) if parts else None


def _most(shapes: Shapes, shape: int, size: Integers, devices: tuple[DeviceKind, ...], symbol: Symbol | None) -> int:
    """How many of the shape one machine holds at most: what each resource alone allows."""
    needs = (shapes.cpu[shape], shapes.memory[shape], shapes.disk[shape])
    fits = [int(have) // int(need) for have, need in zip(size.tolist(), needs, strict=True) if need]
    each = int(shapes.devices[shape])
    if sum(kind.number for kind in devices) < each:
        return 0
    if symbol is not None:
        usable = [(kind.number, kind.most(symbol)) for kind in devices]
        if sum(number for number, most in usable if most) < each:
            return 0
        fits.append(sum(number * most for number, most in usable) // each)
    return min(fits, default=UNLIMITED)


UNLIMITED: Final = 1 << 40
"""What takes nothing fits any number of times."""
