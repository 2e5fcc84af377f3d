"""The account of a plan: why each replica that it places is where it is, and why each other has no place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cloudlayer.resources import Offer
from cloudlayer.scheduler.choices import Choice, Chooser
from cloudlayer.scheduler.defragmentation import Move, room_by_moves
from cloudlayer.scheduler.explain import Explanation, explain
from cloudlayer.scheduler.outcome import Outcome
from cloudlayer.scheduler.types import Demand, Machine, Plan, Rules


@dataclass(frozen=True, slots=True)
class Missing:
    """A replica without a place: the plan's `reason`, and what keeps one such replica from each offer and machine.

    `moves` of running replicas would make room for one; empty where no few would.
    """

    demand: str
    group: str
    reason: str
    explanation: Explanation
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Both by the ids of the demands."""

    choices: tuple[Choice, ...]
    missing: tuple[Missing, ...]


def account(
    plan: Plan, demands: Iterable[Demand], machines: Sequence[Machine], offers: Iterable[Offer], rules: Rules
) -> Account:
    """Why the plan is as it is; all but the plan is what it was made from."""
    outcome = Outcome(plan, demands, machines, offers, rules)
    return Account(tuple(Chooser(outcome).choices()), tuple(lacking(outcome)))


def lacking(outcome: Outcome) -> list[Missing]:
    """What has no place in a plan, and why."""
    known: dict[Demand, tuple[Explanation, tuple[Move, ...]]] = {}
    found = []
    for unplaced in outcome.plan.unplaced:
        demand = outcome.demands[unplaced.demand]
        alike = replace(demand, id="", rank=0)
        if alike not in known:
            there = outcome.there()
            known[alike] = explain(demand, outcome.offers, outcome.rules, there), room_by_moves(demand, there)
        found.append(Missing(demand.id, demand.group, unplaced.reason, *known[alike]))
    return found
