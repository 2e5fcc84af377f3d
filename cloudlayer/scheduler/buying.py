"""What to buy for demands that have no place: for the largest, the machine that absorbs the most for its price.

It is what `scheduler.mixed` has to beat, and all there is for what that does not express.

Each form of machine on sale is filled, on paper, with the largest demand that is left and then with whatever else fits,
largest first. The one whose price is least for the value that it absorbs is bought, and then changed for the cheapest one
that still holds the same. A demand's value is the least that its part of some machine costs, so that a machine full of
cheap replicas is no bargain beside one that holds a costly one. Where machines are free, or no price is known, their size
stands for the price: the least waste is bought, and of that the fewest machines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from cloudlayer.resources import Offer
from cloudlayer.scheduler.admission import Cost, Tier, cost, is_sunk, new_machine, within_limit
from cloudlayer.scheduler.fit import CPU_TOLERANCE, copies, fit, occupy, region_of
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.sizes import DemandClass, Yardstick, dominant_share
from cloudlayer.scheduler.types import Machine, Rules

Content = tuple[tuple[int, tuple[tuple[int, ...], ...]], ...]
"""What is on a machine: the index of a class of demands, and the devices of each of its replicas."""


@dataclass(slots=True)
class Form:
    """Offers of machines that are alike in all that matters to a demand. `machine` is such a machine, empty and nameless."""

    machine: Machine
    offers: list[tuple[Cost, Offer]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Purchase:
    """An offer to buy, the machine it gives, and what goes on it."""

    offer: Offer
    machine: Machine
    content: Content

    def named(self, id: str) -> Machine:
        """The machine with the name that it has in a plan, where and as the offer sells it, still empty."""
        offer = self.offer
        return replace(self.machine, id=id, zone=offer.zone, region=region_of(offer), purchase=offer.purchase, offer=offer)


def forms(offers: Iterable[Offer], rules: Rules, *, spot_matters: bool = True) -> list[Form]:
    """The offers by form of machine, the cheapest offer of each form first.

    Where all demands may be on spot machines, `spot_matters` is False: there are fewer forms to look through then.
    """
    found: dict[Machine, Form] = {}
    for offer in offers:
        purchase = "spot" if spot_matters and offer.purchase == "spot" else "on_demand"
        machine = replace(new_machine(offer, rules), id="", zone="", region="", purchase=purchase, offer=None)
        found.setdefault(machine, Form(machine)).offers.append((cost(offer, rules), offer))
    for form in found.values():
        form.offers.sort(key=lambda each: (each[0], each[1].id))
    return sorted(found.values(), key=lambda form: form.offers[0][1].id)


class Market:
    """The forms on sale, what is left of their offers and of the money, and the demands that are still to be absorbed."""

    def __init__(self, on_sale: Sequence[Form], wanted: Sequence[DemandClass], rules: Rules, yardstick: Yardstick) -> None:
        self.spent = rules.spent
        self._rules = rules
        self._bought: Counter[str] = Counter()
        self._demands = demands = [each.demand for each in wanted]
        self._left = [len(each.ids) for each in wanted]
        self._forms = on_sale
        self._sizes = [yardstick.machine(form.machine) for form in on_sale]
        self._holds = [
            [index for index, demand in enumerate(demands) if fit(demand, form.machine) is not None] for form in on_sale
        ]
        self._values = [self._value(index) for index in range(len(demands))]
        self._contents: dict[int, Content] = {}

    def buy(self, lead: int, packing: Packing) -> Purchase | None:
        """Buy a machine for a demand of class `lead` and for what else fits it; None if none can be had."""
        ranked = [self._rank(number, price) for number, price in self._on_sale() if lead in self._holds[number]]
        if not ranked:
            return None
        content = self._content(min(ranked)[-1])
        number = self._cheapest(content)
        machine = self._forms[number].machine
        content = tuple(self._fill(machine, [*_counts(content), *self._rest(number, content)]))
        return self.pay(Purchase(self._offer(number, content, packing), machine, content))

    def purchases(self, packing: Packing) -> Iterator[Purchase]:
        """Buy until nothing that can be had holds any that is left; who places one on `packing` does so before the next."""
        for lead in range(len(self._demands)):
            while self._left[lead] and (purchase := self.buy(lead, packing)) is not None:
                yield purchase

    def pay(self, purchase: Purchase) -> Purchase:
        """Count the machine, its price and what is on it as bought; returns it."""
        self.spent += cost(purchase.offer, self._rules).amount
        self._bought[purchase.offer.id] += 1
        for index, devices in purchase.content:
            self._left[index] -= len(devices)
        return purchase

    def remaining(self, offers: Iterable[Offer]) -> list[Offer]:
        """The offers with what is still available of them."""
        return [
            offer if offer.available is None else replace(offer, available=offer.available - self._bought[offer.id])
            for offer in offers
        ]

    def _affordable(self, price: Cost) -> bool:
        return within_limit(price, self.spent, self._rules)

    def _available(self, offer: Offer) -> bool:
        return offer.available is None or self._bought[offer.id] < offer.available

    def _on_sale(self) -> Iterator[tuple[int, Cost]]:
        """Each form, by its number, that can still be bought, with the least that it costs."""
        for number, form in enumerate(self._forms):
            for price, offer in form.offers:
                if self._affordable(price) and self._available(offer):
                    yield number, price
                    break

    def _rank(self, number: int, best: Cost) -> tuple[Tier, str, float, float, float, float, int]:
        """Cost for the value absorbed; ties go to the lower price, then to the fuller, then to the smaller machine."""
        absorbed = sum(len(devices) * self._values[index] for index, devices in self._content(number))
        rate = round(self._weight(number, best) / absorbed, 9) if absorbed else 0.0
        return best.tier, best.currency, rate, best.amount, -absorbed, self._sizes[number], number

    def _weight(self, number: int, price: Cost) -> float:
        return price.amount or self._sizes[number]

    def _value(self, index: int) -> float:
        """The least that the demand's part of an empty machine costs, among the machines of the best tier that hold it.

        What is reserved gives no value where the same is for sale: it is used first, and the rest must be worth its price.
        """
        costs = (
            (price.tier, price.currency, self._weight(number, price) * dominant_share(self._demands[index], form.machine))
            for number, form in enumerate(self._forms)
            if index in self._holds[number]
            for price, _ in [next((each for each in form.offers if not is_sunk(each[1])), form.offers[0])]
        )
        return min(costs, default=(Tier.FREE, "", 0.0))[2]

    def _content(self, number: int) -> Content:
        """What an empty machine of this form would take of what is left; kept while as much is left of each class in it."""
        known = self._contents.get(number)
        if known is None or any(len(devices) > self._left[index] for index, devices in known):
            wanted = [(index, self._left[index]) for index in self._holds[number] if self._left[index]]
            known = self._contents[number] = tuple(self._fill(self._forms[number].machine, wanted))
        return known

    def _fill(self, machine: Machine, wanted: Iterable[tuple[int, int]]) -> Iterator[tuple[int, tuple[tuple[int, ...], ...]]]:
        for index, limit in wanted:
            demand = self._demands[index]
            if demand.memory > machine.memory or demand.cpu > machine.cpu + CPU_TOLERANCE:
                continue  # what `copies` would find out too, but not a million times as quickly as a plan needs it
            if devices := copies(demand, machine, limit):
                machine = occupy(machine, demand, devices)
                yield index, tuple(devices)

    def _cheapest(self, content: Content) -> int:
        """The form of the cheapest machine that holds all of `content`; ties go to the smaller one."""
        wanted = _counts(content)
        ordered = sorted((price, self._sizes[number], number) for number, price in self._on_sale())
        return next(
            number
            for _, _, number in ordered
            if wanted[0][0] in self._holds[number] and _counts(tuple(self._fill(self._forms[number].machine, wanted))) == wanted
        )

    def _rest(self, number: int, content: Content) -> list[tuple[int, int]]:
        """What is left beside `content` of the classes that the form holds."""
        taken = dict(_counts(content))
        rest = ((index, self._left[index] - taken.get(index, 0)) for index in self._holds[number])
        return [(index, count) for index, count in rest if count]

    def _offer(self, number: int, content: Content, packing: Packing) -> Offer:
        """Of the form's cheapest offers, the one in the zone that has the fewest of the content's groups."""

        def crowd(offer: Offer) -> int:
            return sum(packing.crowd_in_zone(self._demands[index], region_of(offer), offer.zone) for index, _ in content)

        open_offers = [(price, offer) for price, offer in self._forms[number].offers if self._available(offer)]
        return min(open_offers, key=lambda each: (each[0], crowd(each[1]), each[1].id))[1]


def _counts(content: Content) -> list[tuple[int, int]]:
    return [(index, len(devices)) for index, devices in content]
