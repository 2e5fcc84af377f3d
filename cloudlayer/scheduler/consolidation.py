"""Which machines to empty, or to swap for cheaper ones: what that saves, against what it disrupts, with a threshold.

A candidate is a set of machines. The policy itself is asked what would become of their replicas without them, and what it
would buy for that is what counts: no second packing is made here. Two things are weighed, both in money:

- The saving per hour: the prices of the machines, less those of what is bought, and of machines with nothing on them that are
  put to use (those would have gone by themselves), and less what calls between machines cost more then. What is reserved is
  paid for in any case, and so counts as nothing.
- The disruption, once: for each replica, its machine's price while the new copy starts beside it, and a price for moving it
  at all, up to twice that for one that came up a short while ago.

A candidate counts if it saves at least `Terms.required` of its machines' price, and as much as it disrupts within the payback
time. Of those that count the one with the largest gain over that time is taken. This weighs as Karpenter's consolidation does
(savings over disruption), which has no threshold for emptying, and so moves for nothing.

**It never undoes what it did.** Let the bill be the sum of the prices per hour of the machines that have replicas. With
constant demands and prices, each step lowers the bill by its saving, which is at least `least` > 0, and nothing else changes
it: what is emptied goes, what is bought has replicas from the plan on. So the bill never rises, no state comes twice (each has
one bill), there are at most bill / `least` steps, and where none counts, none will: the answer is a function of the state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from math import inf
from operator import mul
from typing import Final

from cloudlayer.resources import Offer
from cloudlayer.scheduler.admission import PRICE_TOLERANCE, Tier, cost, distinct, new_machine, refusals
from cloudlayer.scheduler.fit import fit
from cloudlayer.scheduler.policy import Policy
from cloudlayer.scheduler.types import Demand, Machine, Plan, Resident, Rules

SINGLES: Final = 10
"""How many machines are tried alone."""
PARTNERS: Final = 4
"""Of how many of these the pairs are tried, and sets up to all of them."""
MOST_AT_ONCE: Final = 3
"""The most machines of one set."""
MIXTURES: Final = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
"""Weights of processors, memory and GPUs in the bound of what purchases cost."""
HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Terms:
    """When emptying is worth it. Amounts are in the rules' currency, times in seconds.

    A step saves at least `least` per hour and the part `share` of what the emptied machines cost, and within `payback` as much
    as it disrupts. Moving one replica costs `move` where the replica itself says nothing, and up to twice that while it is
    younger than `young`. No step moves more than `moves` replicas.
    """

    least: float = 0.01
    share: float = 0.1
    payback: float = HOUR
    move: float = 0.005
    young: float = 600.0
    moves: int = 100

    def required(self, price: float) -> float:
        """What must be saved per hour by emptying machines that cost `price` per hour."""
        return max(self.least, self.share * price)


@dataclass(frozen=True, slots=True)
class Emptying:
    """Machines to empty: what that saves per hour, what it disrupts, and where their `moves` replicas would go."""

    machines: tuple[str, ...]
    saving: float
    disruption: float
    moves: int
    plan: Plan = field(repr=False)


def consolidate(
    machines: Sequence[Machine], offers: Sequence[Offer], rules: Rules, *, policy: Policy, terms: Terms
) -> Emptying | None:
    """What to empty next, None if nothing is worth it. At most 20 candidates are looked at, each with at most two plans.

    Machines without replicas are left to idleness, those that cost nothing or an unknown amount are never emptied, and neither
    are those with a replica of a gang. What is bought must be within the price limit beside what it replaces.
    """
    known = sorted(machines, key=lambda machine: machine.id)
    search = _Search(known, offers, rules, policy, terms)
    answers = (search.examined(chosen) for chosen in _candidates(known, rules, terms))
    found = [answer for answer in answers if isinstance(answer, Emptying)]
    return max(found, key=lambda each: (search.gain(each), each.machines), default=None)


def examined(
    machine: Machine, machines: Sequence[Machine], offers: Sequence[Offer], rules: Rules, *, policy: Policy, terms: Terms
) -> Emptying | str:
    """What emptying `machine`, one of `machines`, does; or why it is not worth it, in words."""
    if not _moving(machine):
        return "nothing runs on it that stays"
    if any(resident.demand.gang is not None for resident in machine.residents):
        return "a replica of a gang runs on it"
    if not price_of(machine.offer, rules):
        return "it is known to cost nothing" if price_of(machine.offer, rules) == 0 else "its price is unknown"
    return _Search(sorted(machines, key=lambda each: each.id), offers, rules, policy, terms).examined([machine])


def disruption(machine: Machine, price: float, terms: Terms) -> float:
    """What it costs once to move all replicas off a machine that costs `price` per hour."""
    return sum(_trouble(resident, price, terms) for resident in _moving(machine))


def price_of(offer: Offer | None, rules: Rules) -> float | None:
    """What an offer costs per hour, None if that is unknown or does not compare."""
    price = None if offer is None else cost(offer, rules)
    return None if price is None or price.tier > Tier.KNOWN else price.amount


def _moving(machine: Machine) -> list[Resident]:
    """The replicas on the machine that would have to move: those that are not leaving anyway."""
    return [resident for resident in machine.residents if not resident.leaving]


def _trouble(resident: Resident, price: float, terms: Terms) -> float:
    """What it costs once to move one replica."""
    move = terms.move if resident.move is None else resident.move
    youth = max(0.0, 1 - resident.age / terms.young)
    return price * resident.start / HOUR + move * (1 + youth)


def _candidates(machines: Sequence[Machine], rules: Rules, terms: Terms) -> Iterator[tuple[Machine, ...]]:
    """Sets of machines, those that disrupt least for their price first."""
    ranked = sorted(
        (disruption(machine, price, terms) / price, machine.id, machine)
        for machine in machines
        if _moving(machine) and all(resident.demand.gang is None for resident in machine.residents)
        for price in [price_of(machine.offer, rules)]
        if price
    )
    first = [machine for _, _, machine in ranked[:SINGLES]]
    for number in range(1, MOST_AT_ONCE + 1):
        yield from combinations(first if number == 1 else first[:PARTNERS], number)


class _Search:
    """Asks the policy about candidates."""

    def __init__(
        self, machines: Sequence[Machine], offers: Sequence[Offer], rules: Rules, policy: Policy, terms: Terms
    ) -> None:
        self._machines = machines
        self._offers = offers
        self._rules = rules
        self._policy = policy
        self._terms = terms
        self._on_sale = _on_sale(offers, rules)
        self._known: dict[Demand, tuple[float, ...]] = {}
        self._functions = {
            resident.demand.id: resident.demand.function for machine in machines for resident in machine.residents
        }

    def gain(self, emptying: Emptying) -> float:
        """What is gained within the payback time."""
        return emptying.saving * self._terms.payback / HOUR - emptying.disruption

    def examined(self, chosen: Sequence[Machine]) -> Emptying | str:
        """What emptying these machines does, or why it is not worth it."""
        residents = [resident for machine in chosen for resident in _moving(machine)]
        prices = [price_of(machine.offer, self._rules) or 0.0 for machine in chosen]
        price, harm = sum(prices), sum(map(disruption, chosen, prices, [self._terms] * len(chosen)))
        limit = price - max(self._terms.required(price), harm * HOUR / self._terms.payback)
        if len(residents) > self._terms.moves:
            return f"{len(residents)} replicas run on it, more than the {self._terms.moves} that may move at a time"
        if limit < -PRICE_TOLERANCE:
            return f"its price of {price:.4f} is less than what emptying it must save, {price - limit:.4f}"
        names = {machine.id for machine in chosen}
        rest = [machine for machine in self._machines if machine.id not in names]
        plan = self._without([resident.demand for resident in residents], rest, limit)
        if plan is None:
            return "its replicas have no place elsewhere at a lower price"
        added = self._added(plan, rest)
        if added is None:
            return "what would be bought in its place has no price that compares"
        if added > limit + PRICE_TOLERANCE:
            return f"it would save {price - added:.4f} per hour, and must save {price - limit:.4f}"
        return Emptying(tuple(sorted(names)), price - added, harm, len(residents), plan)

    def _without(self, demands: Sequence[Demand], rest: Sequence[Machine], limit: float) -> Plan | None:
        """Where the demands go on the rest of the machines and on what is bought; None if that cannot be within the limit."""
        plan = self._policy.plan(demands, rest, (), self._rules)
        if plan.unplaced or plan.evictions:
            homeless = {each.demand for each in plan.unplaced}
            if self._least([demand for demand in demands if demand.id in homeless]) > limit + PRICE_TOLERANCE:
                return None
            plan = self._policy.plan(demands, rest, self._offers, self._rules)
        return None if plan.unplaced or plan.evictions else plan

    def _least(self, demands: Sequence[Demand]) -> float:
        """What no purchases that hold the demands cost less than; sooner known than a plan.

        No content of a machine takes more than the whole of any mixture of its dimensions, so each demand pays for its part of
        the mixture at least where that is cheapest.
        """
        rates = [self._rates(replace(demand, id="")) for demand in demands]
        return max((sum(column) for column in zip(*rates, strict=True)), default=0.0)

    def _rates(self, demand: Demand) -> tuple[float, ...]:
        """For each mixture, the least that the demand's part of a machine on sale costs; inf where none holds it."""
        if demand not in self._known:
            fitting = [(price, _parts(demand, machine)) for price, machine in self._on_sale if fit(demand, machine) is not None]
            self._known[demand] = tuple(
                min((price * sum(map(mul, mixture, part)) for price, part in fitting), default=inf) for mixture in MIXTURES
            )
        return self._known[demand]

    def _added(self, plan: Plan, rest: Sequence[Machine]) -> float | None:
        """What the plan adds to the bill per hour; None if that is not known."""
        used = {placement.machine for placement in plan.placements}
        woken = [machine.offer for machine in rest if machine.id in used and not _moving(machine)]
        prices = spent([*(purchase.offer for purchase in plan.purchases), *woken], self._rules)
        return None if prices is None else prices + self._torn(plan, rest)

    def _torn(self, plan: Plan, rest: Sequence[Machine]) -> float:
        """What calls cost more per hour then, 0 if it is less: apart from prices, that is no reason to move."""
        if not self._rules.traffic:
            return 0.0
        from cloudlayer.scheduler.calls.cost import flows_between

        bought = [replace(new_machine(each.offer, self._rules), id=each.id) for each in plan.purchases]
        homes: dict[str, list[str]] = defaultdict(list)
        for placement in plan.placements:
            homes[placement.machine].append(self._functions[placement.demand])
        after = [replace(each, functions=(*each.functions, *homes[each.id])) for each in (*rest, *bought)]
        return max(0.0, flows_between(after, self._rules).cost - self._calls)

    @cached_property
    def _calls(self) -> float:
        """What calls cost per hour as things are."""
        from cloudlayer.scheduler.calls.cost import flows_between

        return flows_between(self._machines, self._rules).cost


def spent(offers: Sequence[Offer | None], rules: Rules) -> float | None:
    """The sum of the prices per hour, None if one of them is unknown or does not compare."""
    prices = [price_of(offer, rules) for offer in offers]
    return None if any(price is None for price in prices) else sum(price for price in prices if price is not None)


def _parts(demand: Demand, machine: Machine) -> tuple[float, float, float]:
    """The parts of an empty machine's processors, memory and GPU memory that the demand takes at least."""
    sizes = [device.memory for device in machine.devices]
    each = demand.gpu_memory or 0
    if demand.gpu_memory is None and demand.gpu_compute is None and demand.gpu_profile is None:
        each = min(sizes, default=0)
    gpus = demand.gpu_count * each / (sum(sizes) or 1)
    return demand.cpu / (machine.cpu or 1.0), demand.memory / (machine.memory or 1), gpus


def _on_sale(offers: Sequence[Offer], rules: Rules) -> list[tuple[float, Machine]]:
    """The admitted offers of known price, as the machines that they sell, the cheapest first."""
    found = [
        (price, offer.id, new_machine(offer, rules))
        for offer in distinct(offers)
        if not refusals(offer, rules)
        for price in [price_of(offer, rules)]
        if price is not None
    ]
    return [(price, machine) for price, _, machine in sorted(found, key=lambda each: each[:2])]
