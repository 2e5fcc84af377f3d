"""In which zones the machines that are bought cost least, their calls included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import itemgetter

from cloudlayer.resources import Offer
from cloudlayer.scheduler.admission import PRICE_TOLERANCE, Tier, cost
from cloudlayer.scheduler.calls.cost import places
from cloudlayer.scheduler.calls.exchange import LEAST, flows_of
from cloudlayer.scheduler.calls.layout import Bought, Layout, built
from cloudlayer.scheduler.draft import Draft, Zone, zone_of
from cloudlayer.scheduler.types import Rules

Choice = tuple[Offer, ...]
"""The offer by which each machine is bought."""


def with_best_zones(start: Draft, draft: Draft) -> Draft | None:
    """The same machines, as far as they are sold, in the zone that is best for all or in better ones for each; None if they
    are where they should be."""
    layout = Layout.of(draft)
    if not layout.bought:
        return None
    search = _Search(start, draft, layout)
    now = tuple(each.offer for each in layout.bought)
    first = (search.rank(now), now)
    best = min([first, *((search.rank(each), each) for each in search.together(now))], key=itemgetter(0))
    for number in range(len(now)):
        best = min([best, *((search.rank(each), each) for each in search.alone(best[1], number))], key=itemgetter(0))
    if best[0][0] >= first[0][0] - LEAST:
        return None
    bought = [replace(each, offer=offer) for each, offer in zip(layout.bought, best[1], strict=True)]
    return built(start, layout.existing, bought)


class _Search:
    """The choices there are, and what they cost."""

    def __init__(self, start: Draft, draft: Draft, layout: Layout) -> None:
        self._rules = start.rules
        self._stock = {offer.id: offer.available for offer in start.offers}
        self._machines = [draft.packing.machines[name] for name in sorted(draft.packing.machines)]
        self._bought = [self._place(bought.id) for bought in draft.purchases()]
        self._flows = flows_of(draft.packing, draft.rules)
        wanted = [seat.demand for each in layout.bought for seat in each.seats]
        forms = [[offer for _, offer in form.offers] for form in start.on_sale(wanted)]
        alike = {offer.id: [each for each in form if _compares(each, self._rules)] for form in forms for offer in form}
        self._alike = [[each.offer] if _tied(each) else alike.get(each.offer.id, [each.offer]) for each in layout.bought]

    def _place(self, name: str) -> int:
        return next(number for number, machine in enumerate(self._machines) if machine.id == name)

    def together(self, now: Choice) -> Iterator[Choice]:
        """For each zone the choice that has all there that can be, at their lowest price there."""
        for zone in sorted({zone_of(offer) for alike in self._alike for offer in alike}):
            choice: list[Offer] = []
            for offer, alike in zip(now, self._alike, strict=True):
                there = [each for each in alike if zone_of(each) == zone and self._left(each, choice)]
                choice.append(min(there, key=self._price_and_id, default=offer))
            if self._allowed(choice):
                yield tuple(choice)

    def alone(self, now: Choice, number: int) -> Iterator[Choice]:
        """The choices that differ in the zone of one machine."""
        for offer in self._alike[number]:
            choice = (*now[:number], offer, *now[number + 1 :])
            if zone_of(offer) != zone_of(now[number]) and self._allowed(choice):
                yield choice

    def rank(self, choice: Choice) -> tuple[float, tuple[str, ...]]:
        """Money per hour, machines and calls; ties go by the offers' ids."""
        zones: list[Zone] = [(machine.region, machine.zone) for machine in self._machines]
        for place, offer in zip(self._bought, choice, strict=True):
            zones[place] = zone_of(offer)
        self._flows.relocate(*places(zones))
        price = sum(cost(offer, self._rules).amount for offer in choice)
        return round(price + self._flows.cost, 9), tuple(offer.id for offer in choice)

    def _price_and_id(self, offer: Offer) -> tuple[float, str]:
        return cost(offer, self._rules).amount, offer.id

    def _allowed(self, choice: Sequence[Offer]) -> bool:
        """Whether there are as many of each offer, and the fleet's limit has room for all."""
        spent = self._rules.spent + sum(cost(offer, self._rules).amount for offer in choice)
        rich = self._rules.max_price is None or spent <= self._rules.max_price + PRICE_TOLERANCE
        return rich and all(self._left(offer, choice[:number]) for number, offer in enumerate(choice))

    def _left(self, offer: Offer, chosen: Sequence[Offer]) -> bool:
        """Whether there is one more of it beside those chosen; by id, since what an offer has left changes as it is bought."""
        stock = self._stock.get(offer.id)
        return stock is None or sum(each.id == offer.id for each in chosen) < stock


def _compares(offer: Offer, rules: Rules) -> bool:
    return cost(offer, rules).tier <= Tier.KNOWN


def _tied(bought: Bought) -> bool:
    """Whether it matters to somebody on the machine which zone it is in."""
    return any(seat.demand.gang or seat.demand.spread == "zone" for seat in bought.seats)
