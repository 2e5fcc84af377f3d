"""Who of a packing is where, and what room its machines have, as numbers that are quick to look at.

Most replicas ask for cores, memory and disk alone, and their exchanges are decided here. Whether others fit (those with GPUs,
those that are spread or apart) is asked of the packing itself, which until then lags behind.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from cloudlayer.scheduler.calls.cost import Floats
from cloudlayer.scheduler.fit import CPU_TOLERANCE, fit, seats
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.types import Demand, Machine

SLACK: Final = CPU_TOLERANCE / 2
"""Cores that may be lacking here, so that what is right here is right for `fit` too, in whatever order cores are summed."""

Kinds = tuple[int, ...]
"""Replicas of one machine by what they ask for; each kind as often as there are such replicas."""


class Rooms:
    """Machines and kinds of demands go by number. `needs` (kinds, 3) and `free` (machines, 3) are cores, memory and disk.

    `members` are the replicas of each machine by kind, but for those of gangs that are to be together, which do not move;
    `counts` is how many replicas of this plan are there in all.
    """

    def __init__(self, packing: Packing) -> None:
        self.names = sorted(packing.machines)
        self._packing = packing
        contents = [packing.contents(name) for name in self.names]
        seats = {
            replica: (place, replace(demand, id="") if demand.id else demand)
            for place, there in enumerate(contents)
            for replica, demand in there.items()
            if demand.gang is None
        }
        self.demands = list(dict.fromkeys(seats[replica][1] for replica in sorted(seats)))
        numbers = {demand: number for number, demand in enumerate(self.demands)}
        self.members: list[dict[int, list[str]]] = [{} for _ in self.names]
        for replica in sorted(seats):
            place, demand = seats[replica]
            self.members[place].setdefault(numbers[demand], []).append(replica)
        self.counts = [len(there) for there in contents]
        machines = [packing.machines[name] for name in self.names]
        self.needs: Floats = np.array([_size(demand) for demand in self.demands], dtype=np.float64).reshape(-1, 3)
        self.free: Floats = np.array([_size(machine) for machine in machines], dtype=np.float64).reshape(-1, 3)
        self._plain = _plain(self.demands, machines)
        self._bases = [packing.without(name, there) for name, there in zip(self.names, contents, strict=True)]
        self._allowed: dict[tuple[int, int], bool] = {}
        self._moved: dict[str, tuple[int, int]] = {}

    def lacking(self, kinds: Kinds, machine: int) -> Floats:
        """How much of each is lacking for `kinds` on a machine, (3,); 0 where there is enough."""
        lack = self.needs[list(kinds)].sum(axis=0) - self.free[machine]
        found: Floats = np.where(lack > SLACK, lack, 0.0)
        return found

    def allowed(self, kind: int, machine: int) -> bool:
        """Whether a kind may be on the machine at all, with nothing of this plan on it."""
        key = (kind, machine)
        if key not in self._allowed:
            self._allowed[key] = fit(self.demands[kind], self._bases[machine]) is not None
        return self._allowed[key]

    def exchange(self, going: Kinds, coming: Kinds, source: int, target: int) -> bool:
        """Make the exchange if everybody has a place then; whether it was made."""
        if not self._roomy(going, coming, source, target):
            return False
        here, there = self._first(going, source), self._first(coming, target)
        if all(self._plain[kind] for kind in (*going, *coming)):
            for replica in here:
                self._moved[replica] = (self._moved.get(replica, (source, 0))[0], target)
            for replica in there:
                self._moved[replica] = (self._moved.get(replica, (target, 0))[0], source)
        elif not self._exact(here, there, source, target):
            return False
        self._count(here, there, source, target)
        return True

    def settle(self) -> None:
        """Let the packing follow."""
        moves = [
            (replica, self.names[origin], self.names[place], ())
            for replica, (origin, place) in sorted(self._moved.items())
            if origin != place
        ]
        self._packing.exchange(moves)
        self._moved = {}

    def _roomy(self, going: Kinds, coming: Kinds, source: int, target: int) -> bool:
        """Whether there is room by the numbers. What a machine has too little of already, it may not have less of."""
        given = self.needs[list(going)].sum(axis=0) - self.needs[list(coming)].sum(axis=0)
        rooms = ((self.free[source], self.free[source] + given), (self.free[target], self.free[target] - given))
        if not all((after >= np.minimum(before, 0.0) - SLACK).all() for before, after in rooms):
            return False
        return all(self.allowed(kind, target) for kind in going) and all(self.allowed(kind, source) for kind in coming)

    def _first(self, kinds: Kinds, machine: int) -> dict[str, int]:
        """The first replicas of these kinds on the machine."""
        members = self.members[machine]
        return {replica: kind for kind, number in sorted(Counter(kinds).items()) for replica in members[kind][:number]}

    def _count(self, here: Mapping[str, int], there: Mapping[str, int], source: int, target: int) -> None:
        for replicas, start, end in ((here, source, target), (there, target, source)):
            for replica, kind in replicas.items():
                self.members[start][kind].remove(replica)
                if not self.members[start][kind]:
                    del self.members[start][kind]
                insort(self.members[end].setdefault(kind, []), replica)
                self.free[start] += self.needs[kind]
                self.free[end] -= self.needs[kind]
            self.counts[start] -= len(replicas)
            self.counts[end] += len(replicas)

    def _exact(self, here: Mapping[str, int], there: Mapping[str, int], source: int, target: int) -> bool:
        """Make the exchange in the packing, if all fit there and what is spread stays as even as it is."""
        self.settle()
        packing, names = self._packing, (self.names[source], self.names[target])
        if not (self._even(here.values(), *names) and self._even(there.values(), *reversed(names))):
            return False
        taken = self._fitted(here, packing.without(names[1], there))
        given = self._fitted(there, packing.without(names[0], here))
        if taken is None or given is None:
            return False
        packing.exchange(
            [
                *((replica, names[0], names[1], devices) for replica, devices in taken.items()),
                *((replica, names[1], names[0], devices) for replica, devices in given.items()),
            ]
        )
        return True

    def _fitted(self, replicas: Mapping[str, int], machine: Machine) -> dict[str, tuple[int, ...]] | None:
        """The devices of each if all fit the machine together."""
        devices = seats([self.demands[kind] for kind in replicas.values()], machine)
        return None if devices is None else dict(zip(replicas, devices, strict=True))

    def _even(self, kinds: Iterable[int], source: str, target: str) -> bool:
        """Whether groups that are spread stay as even as they are without these replicas at the source and with them at the
        target."""
        packing, spread = self._packing, [self.demands[kind] for kind in kinds if self.demands[kind].spread is not None]
        moved = Counter(demand.group for demand in spread)
        return all(
            _within(demand, packing.machines[source], packing.machines[target])
            or packing.crowd(demand, target) + moved[demand.group] <= packing.crowd(demand, source)
            for demand in spread
        )


def _size(each: Demand | Machine) -> tuple[float, float, float]:
    return each.cpu, float(each.memory), float(each.disk)


def _plain(demands: Sequence[Demand], machines: Iterable[Machine]) -> list[bool]:
    """Which demands ask for cores, memory and disk alone, and keep nobody away nor are kept away."""
    named = frozenset().union(*(demand.apart for demand in demands), *(machine.apart for machine in machines))
    return [not (demand.gpu_count or demand.spread or demand.apart or demand.function in named) for demand in demands]


def _within(demand: Demand, source: Machine, target: Machine) -> bool:
    """Whether a move between the two is none to a demand that is spread over zones."""
    return demand.spread == "zone" and (source.region, source.zone) == (target.region, target.zone)
