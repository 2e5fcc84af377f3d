"""A plan carried out on paper: its machines as it leaves them, and what is then left of the offers and of the money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cloudlayer.resources import Offer
from cloudlayer.scheduler.admission import cost, distinct, new_machine
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.types import Demand, Machine, Plan, Rules


@dataclass(frozen=True, slots=True)
class Tenant:
    """One replica on a machine: one that runs there already, or that the plan puts there."""

    demand: Demand
    machine: str
    fresh: bool


class Outcome:
    """What a plan leads to. `packing` has all machines, `tenants` who is on each; `offers` and `rules` are what is left."""

    def __init__(
        self, plan: Plan, demands: Iterable[Demand], machines: Sequence[Machine], offers: Iterable[Offer], rules: Rules
    ) -> None:
        """All but the plan is what it was made from."""
        self.plan = plan
        self.demands = {demand.id: demand for demand in demands}
        self.existing = tuple(sorted(machine.id for machine in machines))
        self.bought = {purchase.id: purchase.offer for purchase in plan.purchases}
        bought = Counter(offer.id for offer in self.bought.values())
        self.offers = [_less(offer, bought[offer.id]) for offer in distinct(offers)]
        self.rules = replace(rules, spent=rules.spent + sum(cost(offer, rules).amount for offer in self.bought.values()))
        self.packing = Packing(machines)
        self.tenants: dict[str, dict[str, Tenant]] = {name: {} for name in (*self.existing, *self.bought)}
        self._carry_out(machines, rules)

    def there(self) -> list[Machine]:
        """The machines that existed before, as the plan leaves them."""
        return [self.packing.machines[name] for name in self.existing]

    def _carry_out(self, machines: Sequence[Machine], rules: Rules) -> None:
        ends = {eviction.replica for eviction in self.plan.evictions}
        for machine in machines:
            for resident in machine.residents:
                if resident.demand.id in ends:
                    self.packing.evict(resident, machine.id)
                else:
                    self._seat(Tenant(resident.demand, machine.id, fresh=False))
        for name, offer in self.bought.items():
            self.packing.add(replace(new_machine(offer, rules), id=name))
        for placement in self.plan.placements:
            demand = self.demands[placement.demand]
            self.packing.put(placement.demand, demand, placement.machine, placement.devices, placement.slices)
            self._seat(Tenant(demand, placement.machine, fresh=True))

    def _seat(self, tenant: Tenant) -> None:
        self.tenants[tenant.machine][tenant.demand.id] = tenant


def _less(offer: Offer, bought: int) -> Offer:
    return offer if offer.available is None else replace(offer, available=offer.available - bought)
