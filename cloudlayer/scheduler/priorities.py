"""Who comes first where there is not enough for all. Where there is, priorities change nothing."""

from __future__ import annotations

from collections.abc import Sequence

from cloudlayer.scheduler import gangs
from cloudlayer.scheduler.draft import Draft
from cloudlayer.scheduler.gangs import Unit
from cloudlayer.scheduler.preemption import make_room
from cloudlayer.scheduler.types import Demand


def place(start: Draft, demands: Sequence[Demand]) -> tuple[Draft, list[Unit]]:
    """The draft with the demands placed, all at once if they find a place so, and those that find none.

    Otherwise those of the lowest priority come last, after all others, for whom the same holds: so nobody is without a place
    that has one when those of lower priority are not asked for at all. Who still has none then has room made by evictions.
    """
    draft, missing = gangs.place(start.copy(), demands)
    if not missing:
        return draft, []
    lowest = min((demand.priority for demand in demands), default=0)
    higher = [demand for demand in demands if demand.priority > lowest]
    before: list[Unit] = []
    if higher:
        draft, before = place(start, higher)
        draft, missing = gangs.place(draft, [demand for demand in demands if demand.priority == lowest])
    draft, missing = make_room(draft, missing)
    return draft, [*before, *missing]
