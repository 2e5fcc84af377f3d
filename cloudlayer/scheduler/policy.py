"""The interface of a placing policy, and the one there is: best fit decreasing, and the cheapest mix for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from cloudlayer.resources import Offer
from cloudlayer.scheduler import gangs, priorities
from cloudlayer.scheduler.draft import Draft
from cloudlayer.scheduler.preemption import needed
from cloudlayer.scheduler.reasons import unplaced
from cloudlayer.scheduler.spreading import even_out
from cloudlayer.scheduler.types import Demand, Machine, Plan, Rules


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

    Gangs are placed all or none (`scheduler.gangs`). Where not all find a place, priorities decide (`scheduler.priorities`),
    and room may be made by evictions (`scheduler.preemption`).
    """

    def __init__(self, again: Callable[[], bool] = lambda: False) -> None:
        self._again = again

    def plan(self, demands: Sequence[Demand], machines: Sequence[Machine], offers: Sequence[Offer], rules: Rules) -> Plan:
        """See Policy."""
        start = Draft(machines, offers, rules, self._again)
        draft, missing = priorities.place(start, gangs.uniform(demands))
        even_out(draft.packing)
        if rules.traffic:
            from cloudlayer.scheduler.calls import improve

            draft = improve(start, draft)
        return Plan(
            placements=draft.packing.placements(),
            purchases=draft.purchases(),
            unplaced=unplaced(draft, missing),
            evictions=needed(draft),
            lower_bound=draft.lower_bound,
        )
