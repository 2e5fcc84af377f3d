"""Machines given up that are worth little for their price, and their replicas placed anew.

A machine is worth what its calls to itself save, and what its replicas would cost elsewhere: each the least that its part of
some machine on sale costs. The room that bundles leave on other machines is used by this, and smaller machines are bought for
what fills a large one badly.
"""

from __future__ import annotations

from collections.abc import Sequence

from cloudlayer.scheduler.admission import Tier, cost
from cloudlayer.scheduler.buying import Form
from cloudlayer.scheduler.calls.cost import counts_on, flows_between, functions_on
from cloudlayer.scheduler.calls.exchange import by_name
from cloudlayer.scheduler.calls.layout import Bought, Layout, as_even, built
from cloudlayer.scheduler.draft import Draft
from cloudlayer.scheduler.fit import fit
from cloudlayer.scheduler.sizes import dominant_share
from cloudlayer.scheduler.types import Demand


def without_the_least(start: Draft, draft: Draft, part: float) -> Draft | None:
    """The draft without the machines that are worth least, which together make up that part of the price or a little more.

    None where not everybody finds a place again, or less evenly.
    """
    layout = Layout.of(draft)
    ranked = _ranked(start, draft, layout.bought)
    prices = [cost(each.offer, draft.rules).amount for each in layout.bought]
    given_up, left = set[int](), part * sum(prices)
    for place in ranked:
        if left <= 0:
            break
        given_up.add(place)
        left -= prices[place]
    loose = [seat.demand_with_id for place in sorted(given_up) for seat in layout.bought[place].seats]
    if not loose:
        return None
    other = built(start, layout.existing, [each for place, each in enumerate(layout.bought) if place not in given_up])
    return None if other.place(loose, mixing=False) else as_even(draft, other)


def _ranked(start: Draft, draft: Draft, bought: Sequence[Bought]) -> list[int]:
    """The machines that cost something and may be given up, by index, worth least for their price first."""
    saved = dict(zip(sorted(draft.packing.machines), _saved(draft), strict=True))
    names = [each.id for each in draft.purchases()]
    demands = {seat.demand for each in bought for seat in each.seats}
    on_sale = start.on_sale(demands)
    values = {demand: _value(demand, on_sale) for demand in demands}
    ranks = []
    for place, (name, each) in enumerate(zip(names, bought, strict=True)):
        price = cost(each.offer, draft.rules).amount
        if price and not any(seat.demand.gang for seat in each.seats):
            worth = saved[name] + sum(values[seat.demand] for seat in each.seats)
            ranks.append((round(worth / price, 9), name, place))
    return [place for _, _, place in sorted(ranks)]


def _saved(draft: Draft) -> list[float]:
    """What the calls within each machine save per hour, the machines by name."""
    machines = by_name(draft.packing)
    found: list[float] = flows_between(machines, draft.rules).inside(counts_on(machines, functions_on(machines))).tolist()
    return found


def _value(demand: Demand, on_sale: Sequence[Form]) -> float:
    """Money per hour: the least that the demand's part of some machine costs."""
    prices = [(form.machine, form.offers[0][0]) for form in on_sale]
    return min(
        (
            price.amount * dominant_share(demand, machine)
            for machine, price in prices
            if price.tier <= Tier.KNOWN and fit(demand, machine) is not None
        ),
        default=0.0,
    )
