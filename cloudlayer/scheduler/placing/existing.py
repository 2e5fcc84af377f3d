"""Replicas on machines that exist: from demands and machines to arrays, and back.

A class of the arrays is a class of demands, a model a kind of device by name and memory. What arrays do not say of a
machine, be it engines, architecture, taints, spot or who is kept apart from whom, is in `allowed`, which changes as replicas
are placed; a `spread` decides before the score does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from math import ceil, floor
from typing import Final

import numpy as np

from cloudlayer.scheduler import mig
from cloudlayer.scheduler.devices import accepts_model, is_whole
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.placing.arrays import ABSENT, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit_order import BestFitOrder, alike
from cloudlayer.scheduler.placing.index import Choice, Index
from cloudlayer.scheduler.placing.lookahead import LookAhead
from cloudlayer.scheduler.placing.lookahead_order import LookAheadOrder
from cloudlayer.scheduler.sizes import DemandClass
from cloudlayer.scheduler.types import Demand, Device, Machine

_COMPILED_FROM: Final = 2_000
"""Machine code is for so many replicas or more: making it the first time takes 20 seconds, for which none of ten may wait."""
_FORESEEN: Final = 8
"""States of machines times shapes up to which the look-ahead is quick: each that is new costs some milliseconds in numpy."""
_FORESEEN_IN_BULK: Final = 64
"""States up to which it is worth its time where so many replicas come at once that machine code is for them."""
_SEQUENCES: Final = 16
"""A quarter of what the look-ahead plays by itself, so that numpy alone is quick."""
_DIGITS: Final = 9
"""Thousandths of a core are told apart to so many digits: beyond lies what sums of fractions miss by."""


def use_existing(wanted: Sequence[DemandClass], packing: Packing) -> list[DemandClass]:
    """Place as many as fit, class by class; the rest is returned.

    Each goes where its group is fewest, if it is spread, and there by the look-ahead, or by best fit where devices play no
    part or machines are in too many states to look ahead from each in time. Ties go to the first machine of the packing.
    """
    if not wanted or not packing.machines:
        return list(wanted)
    seats = _Seats([each.demand for each in wanted], packing, np.array([len(each.ids) for each in wanted]))
    rest = []
    for shape, each in enumerate(wanted):
        placed = seats.spread(shape, each.ids) if each.demand.spread else seats.fill(shape, each.ids)
        if placed < len(each.ids):
            rest.append(DemandClass(each.demand, each.ids[placed:]))
    return rest


class _Seats:
    """The machines of a packing for some demands, in an index."""

    def __init__(self, demands: Sequence[Demand], packing: Packing, counts: Integers) -> None:
        self._demands, self._packing = demands, packing
        self._names = list(packing.machines)
        self._foes = foes(demands)
        there = list(packing.machines.values())
        shapes, machines = arrays(demands, there)
        bulk = bool(counts.sum() >= _COMPILED_FROM)
        with_devices = shapes.devices.any() and any(machine.devices for machine in there)
        if with_devices and _in_time(machines, len(demands), bulk=bulk):
            fast = None if bulk else False
            placer = LookAhead(shapes, counts, machines, number=_SEQUENCES, fast=fast)
            self._order: BestFitOrder = LookAheadOrder(shapes, machines, placer)
        else:
            self._order = BestFitOrder(shapes, machines)
        self._index = Index(self._order)

    def fill(self, shape: int, ids: Sequence[str]) -> int:
        """Place replicas until one fits nowhere; returns how many."""
        for placed, replica in enumerate(ids):
            choice = self._index.place(shape)
            if choice is None:
                return placed
            self._note(shape, replica, choice)
        return len(ids)

    def spread(self, shape: int, ids: Sequence[str]) -> int:
        """Place replicas, each where its group is fewest, until one fits nowhere; returns how many.

        A machine or zone has a heap of its machines, and there is one of machines or zones, by how many are there.
        """
        demand, fits, entries = self._demands[shape], self._order.fits, self._order.entries[shape]
        places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for machine, name in enumerate(self._names):
            if fits[machine] >> shape & 1:
                places[self._place(demand, name)].append((entries[machine], machine))
        for heap in places.values():
            heapify(heap)
        least = [(self._packing.crowd(demand, self._names[heap[0][1]]), heap[0], place) for place, heap in places.items()]
        heapify(least)
        for placed, replica in enumerate(ids):
            if not least:
                return placed
            crowd, (_, machine), place = heappop(least)
            heap = places[place]
            heappop(heap)
            self._note(shape, replica, self._index.put(shape, machine))
            if fits[machine] >> shape & 1:
                heappush(heap, (entries[machine], machine))
            if heap:
                heappush(least, (crowd + 1, heap[0], place))
        return len(ids)

    def _place(self, demand: Demand, name: str) -> str:
        machine = self._packing.machines[name]
        return f"{machine.region}/{machine.zone}" if demand.spread == "zone" else name

    def _note(self, shape: int, replica: str, choice: Choice) -> None:
        self._packing.put(replica, self._demands[shape], self._names[choice.machine], choice.devices)
        if self._foes[shape]:
            self._order.forbid(choice.machine, self._foes[shape])


def _in_time(machines: Machines, shapes: int, *, bulk: bool) -> bool:
    """Whether machines are in so few states that the look-ahead takes no time to speak of."""
    states = int(alike(machines)[0].max()) + 1
    return states <= _FORESEEN_IN_BULK if bulk else states * shapes <= _FORESEEN


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


def _allowed(demands: Sequence[Demand], machines: Sequence[Machine]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Of shape (K, M), found once for machines that are alike in what decides it."""
    known: dict[tuple[object, ...], list[bool]] = {}
    columns = []
    for machine in machines:
        functions = frozenset(machine.functions)
        key = (machine.engines, machine.architecture, machine.taints, machine.purchase, machine.apart, functions)
        if key not in known:
            known[key] = [_may_be_on(demand, machine, functions) for demand in demands]
        columns.append(known[key])
    return np.array(columns, dtype=np.bool_).T.copy()


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
