"""The interface of a placing policy, and the plain one: best fit decreasing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Protocol

from cloudlayer.resources import Offer
from cloudlayer.scheduler.admission import distinct, refusals
from cloudlayer.scheduler.buying import Market, Purchase, forms
from cloudlayer.scheduler.explain import explain
from cloudlayer.scheduler.fit import disk_to_buy, fit
from cloudlayer.scheduler.mixed import cheaper, expressible
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.sizes import DemandClass, Yardstick, classes
from cloudlayer.scheduler.spreading import even_out
from cloudlayer.scheduler.types import Demand, Machine, Plan, Purchased, Rules, Unplaced


class Policy(Protocol):
    """Decides. Pure and deterministic: the same arguments give the same plan, in whatever order they come.

    The ids of demands are unique, and so are those of machines.
    """

    def plan(self, demands: Sequence[Demand], machines: Sequence[Machine], offers: Sequence[Offer], rules: Rules) -> Plan:
        """A place for each demand: on the machines that exist, else on the cheapest offers that the rules admit."""
        ...


class BestFitDecreasing:
    """Demands from the largest to the smallest: each to the existing machine that it fits best; for those that fit none,
    machines are bought. At the end groups are evened out.

    Two lists of purchases are made, and the cheaper is taken: one that buys one machine at a time, each the one that absorbs
    the most for its price, and the mix of `scheduler.mixing`, with a bound of what can be had at all. Where arrays do not
    express what is wanted (see `scheduler.mixed`) it is the first. The mix is improved while `again()`, by default not at all.
    """

    def __init__(self, again: Callable[[], bool] = lambda: False) -> None:
        self._again = again

    def plan(self, demands: Sequence[Demand], machines: Sequence[Machine], offers: Sequence[Offer], rules: Rules) -> Plan:
        """See Policy."""
        known = distinct(offers)
        on_sale = forms([offer for offer in known if not refusals(offer, rules)], rules)
        yardstick = Yardstick.of([*machines, *(form.machine for form in on_sale)])
        packing = Packing(machines)
        everyone = classes(demands, yardstick)
        homeless = [each for each in (_use_existing(each, packing, yardstick) for each in everyone) if each.ids]
        market = Market(on_sale, homeless, rules, yardstick)
        purchases: Iterable[Purchase] = market.purchases(packing)
        lower_bound = None
        if homeless and on_sale and expressible(homeless, on_sale):
            found = cheaper(list(purchases), on_sale, homeless, rules, self._again)
            lower_bound = found.lower_bound
            market = Market(on_sale, homeless, rules, yardstick)
            purchases = map(market.pay, found.purchases)
        waiting = {index: list(each.ids) for index, each in enumerate(homeless)}
        bought = _place(purchases, packing, homeless, waiting)
        even_out(packing)
        rest = [DemandClass(homeless[index].demand, tuple(ids)) for index, ids in waiting.items() if ids]
        return Plan(
            placements=packing.placements(),
            purchases=tuple(
                Purchased(name, offer, disk_to_buy(offer, packing.disk_on(name))) for name, offer in bought.items()
            ),
            unplaced=_unplaced(rest, market.remaining(known), replace(rules, spent=market.spent), len(machines)),
            lower_bound=lower_bound,
        )


def _use_existing(demands: DemandClass, packing: Packing, yardstick: Yardstick) -> DemandClass:
    """Place as many as fit, each where its group is fewest, and there where least is left; the rest is returned."""
    demand = demands.demand
    candidates = dict(packing.candidates(demand))
    for placed, replica in enumerate(demands.ids):
        if not candidates:
            return DemandClass(demand, demands.ids[placed:])
        best = min(candidates, key=lambda machine: _preference(demand, machine, candidates[machine], packing, yardstick))
        packing.put(replica, demand, best, candidates.pop(best))
        if (devices := fit(demand, packing.machines[best])) is not None:
            candidates[best] = devices
    return DemandClass(demand, ())


def _preference(
    demand: Demand, id: str, devices: tuple[int, ...], packing: Packing, yardstick: Yardstick
) -> tuple[int, int, float, str]:
    """Least crowded first; then GPUs are spared, be it whole machines of them or the rest of a device; then the fullest."""
    machine = packing.machines[id]
    touched = [machine.devices[index].free for index in devices] if demand.gpu_count else [gpu.free for gpu in machine.devices]
    return packing.crowd(demand, id), sum(touched), yardstick.machine(machine), id


def _place(
    purchases: Iterable[Purchase], packing: Packing, demands: Sequence[DemandClass], waiting: Mapping[int, list[str]]
) -> dict[str, Offer]:
    """Put everything on the machine that is bought for it, one machine after another; those that are placed leave `waiting`."""
    names = (name for name in (f"new-{number}" for number in count()) if name not in packing.machines)
    bought: dict[str, Offer] = {}
    for purchase in purchases:
        name = next(names)
        bought[name] = purchase.offer
        packing.add(replace(purchase.machine, id=name, zone=purchase.offer.zone))
        for index, each in purchase.content:
            for devices in each:
                packing.put(waiting[index].pop(0), demands[index].demand, name, devices)
    return bought


def _unplaced(demands: Sequence[DemandClass], offers: Sequence[Offer], rules: Rules, machines: int) -> tuple[Unplaced, ...]:
    found = [
        Unplaced(replica, reason)
        for each in demands
        for reason in [explain(each.demand, offers, rules, machines)]
        for replica in each.ids
    ]
    return tuple(sorted(found, key=lambda unplaced: unplaced.demand))
