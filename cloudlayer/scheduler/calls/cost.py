"""What the calls between functions cost, by where their replicas are: their bytes by distance, and their latency.

The model: each replica of the callee can serve its fair share of a caller's calls. Those on a caller's own machine take its
calls as far as their shares go, and cost nothing; the calls left over go alike to all shares that are left, wherever they
are. With a(m) the part of the caller's replicas on machine m and b(m) that of the callee's, a(m) - b(m) is what leaves m where
it is positive, and what m takes in where it is negative; so the part of the calls between machines is the total variation
distance of a and b. Counts are kept multiplied by the other function's number, in whole numbers, so that nothing is rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloudlayer.scheduler.types import CallPrices, Machine, Rules, Traffic
from cloudlayer.units import GIB

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

HOUR: Final = 3600
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Calls a second between machines; of those, between zones; and what all calls cost per hour."""

    machines: float
    zones: float
    cost: float


def call_price(call: Traffic, prices: CallPrices) -> tuple[float, float, float]:
    """What one call costs within a zone, within a region and beyond, if it is not within a machine."""
    gib = call.size / GIB
    return (
        gib * prices.egress_zone + prices.latency_zone * prices.second,
        gib * prices.egress_region + prices.latency_region * prices.second,
        gib * prices.egress_world + prices.latency_world * prices.second,
    )


def edges(rules: Rules) -> list[Traffic]:
    """Who calls whom at a cost, sorted, one entry a pair: calls add up, and `size` is their mean. A function's calls of
    itself stay on its machine."""
    sums: dict[tuple[str, str], tuple[float, float]] = {}
    for call in sorted(rules.traffic, key=lambda each: (each.caller, each.callee, each.calls, each.size)):
        if call.caller != call.callee and call.calls > 0:
            calls, size = sums.get((call.caller, call.callee), (0.0, 0.0))
            sums[call.caller, call.callee] = (calls + call.calls, size + call.calls * call.size)
    found = [Traffic(caller, callee, calls, size / calls) for (caller, callee), (calls, size) in sums.items()]
    return [call for call in found if any(call_price(call, rules.call_prices))]


class Flows:
    """The calls of E edges between M machines, for the replicas as they are; `exchange` changes where they are.

    `counts` (functions, M) are the replicas of each function on each machine. Edges whose caller or callee has no replica
    are left out. `steps` (functions, E) is by how much one replica of a function more on a machine changes an edge's balance.
    """

    def __init__(
        self,
        calls: Sequence[Traffic],
        prices: CallPrices,
        functions: Mapping[str, int],
        counts: Integers,
        machines: Sequence[Machine],
    ) -> None:
        totals = counts.sum(axis=1)
        there = [
            call for call in calls if all(name in functions and totals[functions[name]] for name in (call.caller, call.callee))
        ]
        callers = np.array([functions[call.caller] for call in there], dtype=np.int64)
        callees = np.array([functions[call.callee] for call in there], dtype=np.int64)
        self.steps: Integers = np.zeros((len(functions), len(there)), dtype=np.int64)
        numbers = np.arange(len(there))
        self.steps[callers, numbers] = totals[callees]
        self.steps[callees, numbers] -= totals[callers]
        self.rates: Floats = np.array([call.calls for call in there], dtype=np.float64) / np.maximum(totals[callees], 1)
        each = np.array([call_price(call, prices) for call in there], dtype=np.float64).reshape(-1, 3)
        # Calls a second of all replicas of the caller, per unit of balance, at the price of an hour of them.
        self._prices = each * self.rates[:, None] * HOUR
        self.balance: Integers = self.steps.T @ counts
        self.zone, self.region = places([(machine.region, machine.zone) for machine in machines])
        self._sum()

    def crossing(self) -> Crossing:
        """What goes between machines now."""
        between = float(self.rates @ self._out)
        return Crossing(between, between - float(self.rates @ self._inner[0]), self.cost)

    @property
    def cost(self) -> float:
        """Money per hour."""
        return float(self._edge_costs.sum())

    @property
    def edge_costs(self) -> Floats:
        """Money per hour of each edge."""
        return self._edge_costs

    def inside(self, counts: Integers) -> Floats:
        """Money per hour, for each machine, that the calls which stay on it would cost if they went to others of its zone."""
        made, served = np.maximum(self.steps, 0).T @ counts, np.maximum(-self.steps, 0).T @ counts
        saved: Floats = self._prices[:, 0] @ np.minimum(made, served)
        return saved

    def changes(self, moved: Integers, source: int, targets: Integers) -> Floats:
        """By how much the cost changes if `moved` (rows, E), a change of balance, goes from `source` to each row's target."""
        used = np.flatnonzero(moved.any(axis=0))
        if not len(used):
            return np.zeros(len(targets))
        step = moved[:, used]
        before, there = self.balance[used, source], self.balance[used][:, targets].T
        gone = _parts(before - step, before[None, :])
        come = _parts(there + step, there)
        out = self._out[used] + gone[0] + come[0]
        inner = []
        for level, place in zip(self._levels, (self.zone, self.region), strict=True):
            if level is None:
                inner.append(out)
                continue
            sent, taken, within = level
            here, to = place[source], place[targets]
            inside = within[used] + _product(sent[used, here], taken[used, here], gone)
            inside += _product(sent[used][:, to].T, taken[used][:, to].T, come)
            inside += (to == here)[:, None] * (gone[0] * come[1] + come[0] * gone[1])
            inner.append(inside / np.where(out > 0, out, 1.0))
        after = _cost(out, inner[0], inner[1], self._prices[used])
        changed: Floats = (after - self._edge_costs[used]).sum(axis=1)
        return changed

    def apply(self, moved: Integers, source: int, target: int) -> None:
        """Make the change."""
        self.balance[:, source] -= moved
        self.balance[:, target] += moved
        self._sum()

    def relocate(self, zone: Integers, region: Integers) -> None:
        """Put the machines into other zones and regions, by index."""
        self.zone, self.region = zone, region
        self._sum()

    def _sum(self) -> None:
        sent, taken = np.maximum(self.balance, 0), np.maximum(-self.balance, 0)
        self._out: Floats = sent.sum(axis=1).astype(np.float64)
        self._levels = [_level(sent, taken, place) for place in (self.zone, self.region)]
        some = np.where(self._out > 0, self._out, 1.0)
        self._inner = [self._out if level is None else level[2] / some for level in self._levels]
        self._edge_costs: Floats = _cost(self._out, self._inner[0], self._inner[1], self._prices)


def flows_between(machines: Sequence[Machine], rules: Rules) -> Flows:
    """The calls between the replicas that the machines have."""
    functions = functions_on(machines)
    return Flows(edges(rules), rules.call_prices, functions, counts_on(machines, functions), machines)


def functions_on(machines: Iterable[Machine]) -> dict[str, int]:
    """The functions that have replicas on the machines, by index."""
    names = sorted({name for machine in machines for name in machine.functions})
    return {name: number for number, name in enumerate(names)}


def counts_on(machines: Sequence[Machine], functions: Mapping[str, int]) -> Integers:
    """Of shape (functions, machines): how many replicas of each function are on each machine."""
    counts = np.zeros((len(functions), len(machines)), dtype=np.int64)
    for place, machine in enumerate(machines):
        for name, number in Counter(machine.functions).items():
            counts[functions[name], place] = number
    return counts


def _level(sent: Integers, taken: Integers, place: Integers) -> tuple[Floats, Floats, Floats] | None:
    """What is sent and taken by place (E, places), and the sum of their products; None if all machines are in one place."""
    if not place.any():
        return None
    within = np.zeros((len(place), int(place.max()) + 1))
    within[np.arange(len(place)), place] = 1.0
    sums = sent @ within, taken @ within
    return sums[0], sums[1], (sums[0] * sums[1]).sum(axis=1)


def places(found: Sequence[tuple[str, str]]) -> tuple[Integers, Integers]:
    """By index, the zones and regions of machines, each (region, zone): zones of two regions may be called alike."""
    zones = {place: number for number, place in enumerate(sorted(set(found)))}
    regions = {region: number for number, region in enumerate(sorted({region for region, _ in found}))}
    return (
        np.array([zones[place] for place in found], dtype=np.int64),
        np.array([regions[region] for region, _ in found], dtype=np.int64),
    )


def _parts(after: Integers, before: Integers) -> tuple[Integers, Integers]:
    """How much more is sent and how much more is taken in."""
    return np.maximum(after, 0) - np.maximum(before, 0), np.maximum(-after, 0) - np.maximum(-before, 0)


def _product(sent: Floats, taken: Floats, more: tuple[Integers, Integers]) -> Floats:
    """The change of sent · taken."""
    product: Floats = sent * more[1] + taken * more[0] + more[0] * more[1]
    return product


def _cost(out: Floats, in_zone: Floats, in_region: Floats, prices: Floats) -> Floats:
    """The cost of `out` units sent, of which these stay within a zone, or within a region."""
    cost: Floats = prices[:, 0] * in_zone + prices[:, 1] * (in_region - in_zone) + prices[:, 2] * (out - in_region)
    return cost
