"""Exchanging replicas between machines while that lowers what calls cost: a move, a swap, a whole pipeline against others.

One kind of step: some replicas of a plan go from one machine to another, and as many others come back as must make room. What
goes is one replica, or those on its machine that are linked by calls, of each function one or all; where to is where calls
cost least then; what comes back is what costs the calls least for the room that it gives. A step is made only if the cost
falls by more than rounding, so that steps come to an end. What costs is money per hour: the calls, and a bought machine until
it is emptied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from cloudlayer.scheduler.calls.cost import Booleans, Floats, Flows, Integers, flows_between, functions_on
from cloudlayer.scheduler.calls.rooms import Kinds, Rooms
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.types import Machine, Rules

LEAST: Final = 1e-9
"""Money per hour that a step must save."""
TARGETS: Final = 2
"""Of how many machines it is tried whether they can make room."""
ROUNDS: Final = 20
"""How often all replicas are gone through at most."""


class Exchange:
    """The placements of one packing, which is changed in place. `prices` are those of the machines bought in this plan."""

    def __init__(self, packing: Packing, prices: Mapping[str, float], rules: Rules) -> None:
        self._rooms = Rooms(packing)
        self._prices = [prices.get(name) for name in self._rooms.names]
        self._flows = flows_of(packing, rules)
        functions = functions_on(packing.machines.values())
        self._function = [functions[demand.function] for demand in self._rooms.demands]
        self._links: Booleans = self._flows.steps != 0
        linked = self._links.astype(np.int64)
        self._near: Booleans = (linked @ linked.T) > 0
        self._clock = 0
        self._changed: Integers = np.zeros(len(functions), dtype=np.int64)
        self._failed: dict[tuple[int, Kinds], int] = {}

    def run(self) -> None:
        """Make steps until none saves anything, or `ROUNDS` times all replicas were gone through."""
        for _ in range(ROUNDS):
            fresh = not self._failed
            if self._flows.cost < LEAST:
                break
            if not sum(self._gone_through(place) for place in range(len(self._prices))):
                if fresh:
                    break
                self._failed.clear()  # what had no room before may have room now
        self._rooms.settle()

    def _gone_through(self, source: int) -> bool:
        """Try everything on one machine; whether a step was made."""
        members, found = self._rooms.members[source], False
        for kind in list(members):
            while kind in members and self._tried((kind,), source):
                found = True
        for group in list(self._linked(source)):
            counts = Counter(group)
            if all(len(members.get(kind, ())) >= number for kind, number in counts.items()):
                found |= self._tried(group, source)
        return found

    def _linked(self, source: int) -> Iterator[Kinds]:
        """The replicas on a machine by what is linked, directly or through others there: one of each function, and all; single
        ones are left out."""
        members = self._rooms.members[source]
        by_function: dict[int, list[int]] = {}
        for kind in sorted(members):
            by_function.setdefault(self._function[kind], []).extend([kind] * len(members[kind]))
        left = set(by_function)
        for start in sorted(by_function):
            linked, ahead = {start} & left, [start] if start in left else []
            while ahead:
                near = np.flatnonzero(self._near[ahead.pop()]).tolist()
                fresh = [each for each in near if each in left and each not in linked]
                linked.update(fresh)
                ahead += fresh
            left -= linked
            one_each = tuple(by_function[function][0] for function in sorted(linked))
            group = tuple(kind for function in sorted(linked) for kind in by_function[function])
            yield from dict.fromkeys(each for each in (one_each, group) if len(each) > 1)

    def _tried(self, going: Kinds, source: int) -> bool:
        """Make the best step with these going, unless nothing near them has changed since there was none."""
        functions = [self._function[kind] for kind in going]
        if self._failed.get((source, going), -1) >= self._changed[functions].max():
            return False
        self._clock += 1
        if not self._step(going, source):
            self._failed[source, going] = self._clock
            return False
        return True

    def _step(self, going: Kinds, source: int) -> bool:
        moved = self._moved(going)
        if not (moved.any() and (self._flows.edge_costs[moved != 0] > LEAST).any()):
            return False
        others = [place for place in range(len(self._prices)) if place != source and self._open(place)]
        targets = np.array(others, dtype=np.int64)
        saved = (self._prices[source] or 0.0) if len(going) == self._rooms.counts[source] else 0.0
        changes = self._flows.changes(np.broadcast_to(moved, (len(targets), len(moved))), source, targets) - saved
        for row in np.argsort(changes, kind="stable")[:TARGETS].tolist():
            if changes[row] >= -LEAST:
                break
            target = int(targets[row])
            if self._made(going, (), moved, source, target) or self._swapped(going, moved, source, target):
                return True
        return False

    def _open(self, machine: int) -> bool:
        """Whether a machine exists, or is still to be bought."""
        return self._prices[machine] is None or self._rooms.counts[machine] > 0

    def _moved(self, kinds: Kinds) -> Integers:
        """By how much replicas change the balance of each edge."""
        found: Integers = self._flows.steps[[self._function[kind] for kind in kinds]].sum(axis=0)
        return found

    def _swapped(self, going: Kinds, moved: Integers, source: int, target: int) -> bool:
        """Make the exchange for those that come back: one by one who costs the calls least for the room that it gives."""
        coming: tuple[int, ...] = ()
        lack, before = self._rooms.lacking(going, target), float(self._changes(moved[None, :], source, target)[0])
        while before < -LEAST and len(coming) < len(going) + 2:
            kinds = self._useful(coming, lack, source, target)
            if not kinds:
                return False
            rows = moved - self._flows.steps[[self._function[kind] for kind in kinds]]
            changes = self._changes(rows, source, target)
            row = self._cheapest(kinds, changes - before, lack)
            coming, moved, before = (*coming, kinds[row]), rows[row], float(changes[row])
            if before < -LEAST and self._made(going, coming, moved, source, target):
                return True
            lack = self._rooms.lacking(going, target) - self._rooms.needs[list(coming)].sum(axis=0)
        return False

    def _changes(self, moved: Integers, source: int, target: int) -> Floats:
        return self._flows.changes(moved, source, np.full(len(moved), target))

    def _useful(self, coming: Kinds, lack: Floats, source: int, target: int) -> list[int]:
        """The kinds on the target of which one more may go to the source, and gives some of what is lacking."""
        members, wanted = self._rooms.members[target], lack > 0
        kinds = [kind for kind in sorted(members) if len(members[kind]) > coming.count(kind)]
        if wanted.any():
            gives = np.any(self._rooms.needs[:, wanted] > 0, axis=1).tolist()
            kinds = [kind for kind in kinds if gives[kind]]
        return [kind for kind in kinds if self._rooms.allowed(kind, source)]

    def _cheapest(self, kinds: list[int], costs: Floats, lack: Floats) -> int:
        """The row of the kind that costs least for the part of what is lacking that it gives, ties to the larger part."""
        wanted = lack > 0
        parts = np.ones(len(kinds))
        if wanted.any():
            parts = np.minimum(self._rooms.needs[kinds][:, wanted] / lack[wanted], 1.0).mean(axis=1)
        ranks = np.where(costs > 0, costs / parts, costs)
        return int(np.lexsort((-parts, ranks))[0])

    def _made(self, going: Kinds, coming: Kinds, moved: Integers, source: int, target: int) -> bool:
        """Make the exchange if everybody has a place then; whether it was made."""
        if not self._rooms.exchange(going, coming, source, target):
            return False
        self._flows.apply(moved, source, target)
        functions = [self._function[kind] for kind in (*going, *coming)]
        self._changed[self._near[functions].any(axis=0)] = self._clock
        return True


def flows_of(packing: Packing, rules: Rules) -> Flows:
    """The calls between all replicas, those included that the machines had before."""
    return flows_between(by_name(packing), rules)


def by_name(packing: Packing) -> list[Machine]:
    """Its machines in the order of their names, which is that of the flows."""
    return [packing.machines[name] for name in sorted(packing.machines)]
