"""Replicas on machines that exist: one after another where each is best, and closer together where not all find a place so.

Who is kept apart from whom changes what is `allowed` as replicas are placed; a `spread` decides before the score does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Final

import numpy as np

from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.placing.arrays import Integers, Machines
from cloudlayer.scheduler.placing.bestfit_order import BestFitOrder, alike
from cloudlayer.scheduler.placing.index import Choice, Index
from cloudlayer.scheduler.placing.lookahead import LookAhead
from cloudlayer.scheduler.placing.lookahead_order import LookAheadOrder
from cloudlayer.scheduler.placing.rearranging import rearranged
from cloudlayer.scheduler.placing.translating import COMPILED_FROM, arrays, foes
from cloudlayer.scheduler.sizes import DemandClass
from cloudlayer.scheduler.types import Demand

_FORESEEN: Final = 8
"""States of machines times shapes up to which the look-ahead is quick: each that is new costs some milliseconds in numpy."""
_FORESEEN_IN_BULK: Final = 64
"""States up to which it is worth its time where so many replicas come at once that machine code is for them."""
_SEQUENCES: Final = 16
"""A quarter of what the look-ahead plays by itself, so that numpy alone is quick."""


def use_existing(wanted: Sequence[DemandClass], packing: Packing) -> list[DemandClass]:
    """Place as many as fit, class by class; the rest is returned.

    Each goes where its group is fewest, if it is spread, and there by the look-ahead, or by best fit where devices play no
    part or machines are in too many states to look ahead from each in time. Ties go to the first machine of the packing.
    Where some find no place so, those placed here are rearranged if that lets more in.
    """
    if not wanted or not packing.machines:
        return list(wanted)
    rest = _one_by_one(wanted, packing)
    closer = rearranged(wanted, rest, packing)
    return rest if closer is rest else _one_by_one(closer, packing)


def _one_by_one(wanted: Sequence[DemandClass], packing: Packing) -> list[DemandClass]:
    if not wanted:
        return []
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
        bulk = bool(counts.sum() >= COMPILED_FROM)
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
