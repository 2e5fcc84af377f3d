"""Demands and machines as arrays.

A class of the arrays is a class of demands, a model a kind of device by name and memory. What arrays do not say of a
machine, be it engines, architecture, taints, spot or who is kept apart from whom, is in `allowed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, floor
from typing import Final

import numpy as np

from cloudlayer.scheduler import mig
from cloudlayer.scheduler.devices import accepts_model, is_whole
from cloudlayer.scheduler.placing.arrays import ABSENT, Booleans, Integers, Machines, Shapes
from cloudlayer.scheduler.types import Demand, Device, Machine

COMPILED_FROM: Final = 2_000
"""Machine code is for so many replicas or more: making it the first time takes 20 seconds, for which none of ten may wait."""
_DIGITS: Final = 9
"""Thousandths of a core are told apart to so many digits: beyond lies what sums of fractions miss by."""


def foes(demands: Sequence[Demand]) -> list[int]:
    """By demand: those, as bits, that may not be on a machine on which one of it is."""
    found = [0] * len(demands)
    for one, demand in enumerate(demands):
        for other, each in enumerate(demands) if demand.apart else ():
            if each.function in demand.apart:
                found[one] |= 1 << other
                found[other] |= 1 << one
    return found


def arrays(demands: Sequence[Demand], machines: Sequence[Machine]) -> tuple[Shapes, Machines]:
    """The arrays of demands and of what is free of machines.

    Of cores what is needed is rounded up to thousandths, and what is free down, so that nothing is ever exceeded.
    """
    profiles = sorted({*mig.PROFILES, *(each.gpu_profile for each in demands if each.gpu_profile is not None)})
    samples = {(device.model, device.memory): device for machine in machines for device in machine.devices}
    kinds = list(samples.values())
    return _shapes(demands, profiles), _machines(demands, machines, kinds, _places(kinds, profiles))


def _shapes(demands: Sequence[Demand], profiles: Sequence[str]) -> Shapes:
    with_devices = [each if each.gpu_count else None for each in demands]
    return Shapes(
        cpu=_numbers(ceil(round(each.cpu * 1000, _DIGITS)) for each in demands),
        memory=_numbers(each.memory for each in demands),
        disk=_numbers(each.disk for each in demands),
        devices=_numbers(each.gpu_count for each in demands),
        whole=np.array([each is not None and is_whole(each) for each in with_devices]),
        device_memory=_numbers(_share(each)[0] for each in with_devices),
        device_compute=_numbers(_share(each)[1] for each in with_devices),
        profile=_numbers(
            profiles.index(each.gpu_profile) if each is not None and each.gpu_profile is not None else -1
            for each in with_devices
        ),
    )


def _share(demand: Demand | None) -> tuple[int, int]:
    if demand is None or demand.gpu_profile is not None:
        return 0, 0
    return demand.gpu_memory or 0, demand.gpu_compute or 0


def _machines(demands: Sequence[Demand], machines: Sequence[Machine], kinds: Sequence[Device], places: Integers) -> Machines:
    width = max(len(machine.devices) for machine in machines)
    model = {(kind.model, kind.memory): number for number, kind in enumerate(kinds)}
    absent = (ABSENT, ABSENT, 0, 0, 0)
    rows = [
        [(gpu.free, gpu.compute, gpu.slices, gpu.memory, model[gpu.model, gpu.memory]) for gpu in machine.devices]
        + [absent] * (width - len(machine.devices))
        for machine in machines
    ]
    free, compute, slices, size, models = (
        np.array(rows, dtype=np.int64).reshape(len(machines), width, 5).transpose(2, 0, 1).copy()
    )
    return Machines(
        cpu=_numbers(floor(round(machine.cpu * 1000, _DIGITS)) for machine in machines),
        memory=_numbers(machine.memory for machine in machines),
        disk=_numbers(machine.disk for machine in machines),
        device_memory=free,
        device_compute=compute,
        slices=slices,
        size_memory=size,
        model=models,
        allowed=_allowed(demands, machines),
        models=np.array([[accepts_model(each, kind) for kind in kinds] or [False] for each in demands]),
        places=places,
    )


def _places(kinds: Sequence[Device], profiles: Sequence[str]) -> Integers:
    """The slices of each profile on each kind of device; one kind that has none where there are no devices."""
    every = [[mig.places(kind.model, kind.memory, profile) for profile in profiles] for kind in kinds] or [[()] * len(profiles)]
    most = max((len(each) for row in every for each in row), default=0) or 1
    return np.array([[[*each, *[0] * (most - len(each))] for each in row] for row in every], dtype=np.int64)


def _allowed(demands: Sequence[Demand], machines: Sequence[Machine]) -> Booleans:
    """Of shape (K, M), found once for machines that are alike in what decides it."""
    known: dict[tuple[object, ...], list[bool]] = {}
    columns = []
    for machine in machines:
        functions = frozenset(machine.functions)
        key = (machine.engines, machine.architecture, machine.taints, machine.purchase, machine.apart, functions)
        if key not in known:
            known[key] = [_may_be_on(demand, machine, functions) for demand in demands]
        columns.append(known[key])
    allowed: Booleans = np.array(columns, dtype=np.bool_).T.copy()
    return allowed


def _may_be_on(demand: Demand, machine: Machine, functions: frozenset[str]) -> bool:
    return (
        demand.engine in machine.engines
        and demand.architecture in (None, machine.architecture)
        and demand.tolerates >= machine.taints
        and (demand.spot or machine.purchase != "spot")
        and demand.function not in machine.apart
        and demand.apart.isdisjoint(functions)
    )


def _numbers(values: Iterable[int]) -> Integers:
    return np.array(list(values), dtype=np.int64)
