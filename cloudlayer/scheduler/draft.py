"""A plan while it is made: machines as they fill, what is bought, who is evicted, and what is left of offers and money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from cloudlayer.resources import Offer
from cloudlayer.scheduler.admission import PRICE_TOLERANCE, cost, distinct, refusals
from cloudlayer.scheduler.buying import Form, Market, Purchase, forms
from cloudlayer.scheduler.fit import disk_to_buy, region_of
from cloudlayer.scheduler.mixed import cheaper, expressible
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.sizes import DemandClass, Yardstick, classes
from cloudlayer.scheduler.types import Demand, Machine, Purchased, Resident, Rules

Zone = tuple[str, str]
"""A region and a zone of it: names of zones are not unique over regions."""


@dataclass(frozen=True, slots=True)
class Evicted:
    """A resident that has to end, where it is, and why."""

    machine: str
    resident: Resident
    reason: str


class Draft:
    """Everything in it follows from what it was made of and the order of the calls. A `copy` is for trying something out."""

    def __init__(
        self, machines: Sequence[Machine], offers: Sequence[Offer], rules: Rules, again: Callable[[], bool] = lambda: False
    ) -> None:
        """The mix of what is bought is improved while `again()`."""
        self.rules = rules
        self.offers = distinct(offers)
        self.evicted: dict[str, Evicted] = {}
        self._existing = frozenset(machine.id for machine in machines)
        self.bought: dict[str, Offer] = {}
        self._bounds: list[float | None] = []
        self._again = again
        self.packing = Packing(machines)
        self.yardstick = Yardstick.of([*machines, *(form.machine for form in self.on_sale(()))])

    def copy(self) -> Draft:
        """Another one that is as this one is now."""
        other = object.__new__(Draft)
        other.rules, other.offers, other.evicted = self.rules, self.offers, dict(self.evicted)
        other._existing, other.bought, other._bounds = self._existing, dict(self.bought), list(self._bounds)
        other._again, other.packing, other.yardstick = self._again, self.packing.copy(), self.yardstick
        return other

    @property
    def lower_bound(self) -> float | None:
        """What nothing can cost less than, for what is bought; None where it was not bought all at once."""
        return self._bounds[0] if len(self._bounds) == 1 else None

    def on_sale(self, demands: Iterable[Demand], zone: Zone | None = None) -> list[Form]:
        """What the rules let the fleet buy now, in `zone` if there is one, as far as the demands tell it apart."""
        near = (offer for offer in self.offers if zone is None or zone_of(offer) == zone)
        spot_matters = not all(demand.spot for demand in demands)
        return forms([offer for offer in near if not refusals(offer, self.rules)], self.rules, spot_matters=spot_matters)

    def place(self, demands: Iterable[Demand], zone: Zone | None = None, *, mixing: bool = True) -> list[Demand]:
        """Place each by itself on what is there, and buy for the rest, all in `zone` if there is one; who has no place is
        returned. Without `mixing` machines are bought one at a time, which is quicker."""
        from cloudlayer.scheduler.placing.existing import use_existing

        wanted = sorted(demands, key=lambda demand: demand.id)
        machines = self.packing.machines.items()
        hidden = [name for name, each in machines if zone is not None and (each.region, each.zone) != zone]
        self.packing.hide(hidden)
        homeless = use_existing(classes([_bare(demand) for demand in wanted], self.yardstick), self.packing)
        self.packing.reveal()
        missing = self._buy(homeless, self.on_sale(wanted, zone), mixing=mixing and zone is None) if homeless else set()
        return [demand for demand in wanted if demand.id in missing]

    def buy(self, offer: Offer, machine: Machine) -> str:
        """Buy one machine, which is like `machine`; its id is returned."""
        market = Market((), (), self.rules, self.yardstick)
        purchase = market.pay(Purchase(offer, machine, ()))
        self._charge(market)
        self._bounds.append(None)
        return self._add(purchase)

    def bounded_like(self, other: Draft) -> None:
        """What `other` proved holds here too, where the machines that exist hold the same, so that as much had to be bought."""
        prices = [cost(bought.offer, self.rules).amount for bought in self.purchases()]
        bound = other.lower_bound
        same = all(self._load(name) == other._load(name) for name in self._existing)
        self._bounds = [bound if same and bound is not None and bound <= sum(prices) + PRICE_TOLERANCE else None]

    def _load(self, machine: str) -> Counter[Demand]:
        """What is placed on the machine."""
        return Counter(_bare(replace(demand, id="")) for demand in self.packing.contents(machine).values())

    def there(self) -> list[Machine]:
        """The machines that existed before, as they are now."""
        return [self.packing.machines[name] for name in sorted(self._existing)]

    def purchases(self) -> tuple[Purchased, ...]:
        """What is bought and used."""
        return tuple(
            Purchased(name, offer, disk_to_buy(offer, self.packing.disk_on(name)))
            for name, offer in self.bought.items()
            if self.packing.contents(name)
        )

    def _buy(self, homeless: Sequence[DemandClass], on_sale: Sequence[Form], *, mixing: bool) -> set[str]:
        """Of two lists of purchases the cheaper: one machine at a time, and the mix where arrays express what is wanted."""
        market = Market(on_sale, homeless, self.rules, self.yardstick)
        purchases: Iterable[Purchase] = market.purchases(self.packing)
        bound = None
        if mixing and on_sale and expressible(homeless, on_sale):
            found = cheaper(list(purchases), on_sale, homeless, self.rules, self._again)
            bound = found.lower_bound
            market = Market((), homeless, self.rules, self.yardstick)  # what to buy is known: it only pays
            purchases = map(market.pay, found.purchases)
        waiting = [list(each.ids) for each in homeless]
        for purchase in purchases:
            name = self._add(purchase)
            for index, each in purchase.content:
                for devices in each:
                    self.packing.put(waiting[index].pop(0), homeless[index].demand, name, devices)
        self._charge(market)
        self._bounds.append(bound)
        return {replica for replicas in waiting for replica in replicas}

    def _add(self, purchase: Purchase) -> str:
        names = (f"new-{number}" for number in count(len(self.bought)))
        name = next(name for name in names if name not in self._existing and name not in self.bought)
        self.bought[name] = purchase.offer
        self.packing.add(purchase.named(name))
        return name

    def _charge(self, market: Market) -> None:
        self.offers = market.remaining(self.offers)
        self.rules = replace(self.rules, spent=market.spent)


def zone_of(offer: Offer) -> Zone:
    """The region, as machines have it, and the zone of an offer."""
    return region_of(offer), offer.zone


def _bare(demand: Demand) -> Demand:
    """Without what does not matter to where one replica fits, so that more of them are alike."""
    return replace(demand, priority=0, rank=0, gang=demand.gang if demand.together else None)
