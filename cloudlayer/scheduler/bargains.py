"""What a machine that a plan buys would cost otherwise: the next best offer for all that it holds, or for one replica alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cloudlayer.resources import Offer, Price
from cloudlayer.scheduler.admission import Refusal, cost, is_sunk, new_machine, refusals, within_limit
from cloudlayer.scheduler.fit import seats
from cloudlayer.scheduler.outcome import Outcome, Tenant
from cloudlayer.scheduler.types import Demand, Machine


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way to buy a machine, and its price per hour, None if that is unknown."""

    offer: str
    machine_type: str
    zone: str
    purchase: str
    price: Price | None


@dataclass(frozen=True, slots=True)
class Bargain:
    """Of a machine that is bought: `next_best` is the cheapest other form of machine that would hold all that it holds, `alone`
    the cheapest for the one replica, None where it is alone, and `on_demand` what a spot machine costs on demand.

    `reserved` says that it is paid for whether it is used or not.
    """

    next_best: Alternative | None = None
    alone: Alternative | None = None
    on_demand: Price | None = None
    reserved: bool = False


class Bargains:
    """Looks through what is on sale after the plan; what is the same for many machines is worked out once."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._known: dict[tuple[str, tuple[Demand, ...]], Alternative | None] = {}
        rules = outcome.rules
        admitted = [offer for offer in outcome.offers if set(refusals(offer, rules)) <= {Refusal.MAX_PRICE}]
        admitted.sort(key=lambda offer: (cost(offer, rules), offer.machine_type.usable_cpu, offer.id))
        self._numbers: dict[tuple[str, Machine], int] = {}
        self._on_sale = [(offer, self._number(offer), new_machine(offer, rules)) for offer in admitted]

    def of(self, machine: str, tenant: Tenant) -> Bargain:
        """What the machine that the tenant is on would cost otherwise."""
        offer = self._outcome.bought[machine]
        everyone = [one.demand for one in self._outcome.tenants[machine].values()]
        return Bargain(
            next_best=self.cheapest(everyone, offer),
            alone=self.cheapest([tenant.demand], None, offer) if len(everyone) > 1 else None,
            on_demand=self._on_demand(offer),
            reserved=is_sunk(offer),
        )

    def cheapest(self, demands: Sequence[Demand], but: Offer | None = None, instead: Offer | None = None) -> Alternative | None:
        """The cheapest offer whose machine holds all of `demands`, other than machines like those of `but`; None if there is
        none. It may be bought with the money that `instead`, or `but`, would set free."""
        alike = tuple(sorted((replace(demand, id="", rank=0) for demand in demands), key=_largest_first))
        key = ((but.id if but else "") + "|" + (instead.id if instead else ""), alike)
        if key not in self._known:
            self._known[key] = self._search(alike, but, instead or but)
        return self._known[key]

    def _search(self, demands: Sequence[Demand], but: Offer | None, freed: Offer | None) -> Alternative | None:
        rules = self._outcome.rules
        if freed is not None:
            rules = replace(rules, spent=rules.spent - cost(freed, rules).amount)
        tried = {self._number(but)} if but else set()
        for offer, number, machine in self._on_sale:
            if number in tried or not within_limit(cost(offer, rules), rules.spent, rules):
                continue
            if seats(demands, machine) is not None:
                return Alternative(offer.id, offer.machine_type.name, offer.zone, offer.purchase, offer.price)
            tried.add(number)
        return None

    def _number(self, offer: Offer) -> int:
        """The number of the form of machine that the offer sells: what it is like in all but its zone, and its type's name."""
        machine = replace(new_machine(offer, self._outcome.rules), id="", zone="", offer=None)
        return self._numbers.setdefault((offer.machine_type.name, machine), len(self._numbers))

    def _on_demand(self, offer: Offer) -> Price | None:
        if offer.purchase != "spot":
            return None
        same = (offer.provider, offer.zone, offer.machine_type)
        found = (one for one in self._outcome.offers if one.purchase == "on_demand")
        return next((one.price for one in found if (one.provider, one.zone, one.machine_type) == same), None)


def _largest_first(demand: Demand) -> tuple[float, ...]:
    return (-demand.gpu_count, -(demand.gpu_memory or 0), -(demand.gpu_compute or 0), -demand.cpu, -demand.memory)
