"""How a plan looks: which machines to buy, keep and delete, what runs on each, what it costs, and what finds no place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from cloudlayer.cli.exits import NoPlace
from cloudlayer.cli.forms import Row, per_hour, price_text
from cloudlayer.cli.output import confirm, counted, note, plain, print_table

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Preview
    from cloudlayer.resources import Offer
    from cloudlayer.scheduler import Demand, Plan

MACHINES = ("", "MACHINE", "PROVIDER", "ZONE", "MACHINE TYPE", "BOUGHT", ">PRICE/H", "REPLICAS")


def costs(offers: Sequence[Offer]) -> bool:
    """Whether buying these costs something, or may: an unknown price is no zero."""
    return any(offer.price is None or offer.price.amount > 0 for offer in offers)


def check_placed(preview: Preview) -> None:
    """NoPlace if nothing of the fleet finds a place."""
    if preview.plan.unplaced and not preview.plan.placements and not preview.kept:
        raise NoPlace("nothing of this fleet finds a place: mend what keeps it from one, as told above")


def agree(preview: Preview, *, yes: bool) -> None:
    """Ask, unless `yes`, where buying what is planned, or what calls may lead to, costs or may cost something.

    NoPlace if nothing of the fleet finds a place, Refused if the user does not agree.
    """
    check_placed(preview)
    offers = [machine.offer for machine in preview.plan.purchases]
    if costs(offers):
        price = per_hour([offer.price for offer in offers])
        confirm(f"This buys {counted(len(offers), 'machine')} for {price}. {_growth(preview)}Go on?", yes=yes)
    elif costs(preview.growth):
        confirm(f"This buys nothing that costs now. {_growth(preview)}Go on?", yes=yes)


def _growth(preview: Preview) -> str:
    """What calls may come to cost, if they may cost more than the plan does."""
    if len(preview.growth) <= len(preview.plan.purchases) or not costs(preview.growth):
        return ""
    price = per_hour([offer.price for offer in preview.growth])
    return f"Under load it may grow to {counted(len(preview.growth), 'machine')} for {price}. "


def print_plan(preview: Preview, *, stream: TextIO | None = None) -> None:
    """Show what is to be bought, beside the machines that stay and those that go; on standard output, or on `stream`."""
    plan, demands = preview.plan, preview.demands
    bought = {machine.id: machine.offer for machine in plan.purchases}
    loads = _replicas(plan, demands)
    actions = (("buy", bought), ("keep", preview.kept), ("delete", preview.deleted))
    rows = [_row(action, name, offer, loads.get(name)) for action, machines in actions for name, offer in machines.items()]
    print_table(MACHINES, rows, empty="no machine is needed", stream=stream)
    if rows:
        after = per_hour([offer.price for offer in (*bought.values(), *preview.kept.values())])
        note(f"the fleet then costs {after}, of which {per_hour([offer.price for offer in bought.values()])} is new")
    if plan.gap is not None and costs(list(bought.values())):
        note(f"what is new is at most {100 * plan.gap:.1f} % above the cheapest possible")
    for line in (*_unplaced(plan, demands), *preview.warnings):
        note(line)


def plan_document(preview: Preview) -> dict[str, Any]:
    """The same as JSON has it."""
    plan = preview.plan
    groups = {demand.id: demand.group for demand in preview.demands}
    return {
        "buy": [{"id": machine.id, "disk": machine.disk, "offer": plain(machine.offer)} for machine in plan.purchases],
        "keep": [{"id": name, "offer": plain(offer)} for name, offer in preview.kept.items()],
        "delete": [{"id": name, "offer": plain(offer)} for name, offer in preview.deleted.items()],
        "placements": [{"function": groups[placement.demand], **plain(placement)} for placement in plan.placements],
        "unplaced": [{"function": groups[missing.demand], **plain(missing)} for missing in plan.unplaced],
        "warnings": list(preview.warnings),
        "lower_bound": plan.lower_bound,
        "gap": plan.gap,
    }


def _row(action: str, name: str, offer: Offer, load: Counter[str] | None) -> Row:
    replicas = ", ".join(f"{number} x {group}" for group, number in sorted((load or {}).items()))
    kind, price = offer.machine_type.name, price_text(offer.price)
    return (action, name, offer.provider, offer.zone, kind, offer.purchase, price, replicas)


def _replicas(plan: Plan, demands: Sequence[Demand]) -> dict[str, Counter[str]]:
    """How many replicas of each function version come to each machine."""
    groups = {demand.id: demand.group for demand in demands}
    loads: dict[str, Counter[str]] = {}
    for placement in plan.placements:
        loads.setdefault(placement.machine, Counter())[groups[placement.demand]] += 1
    return loads


def _unplaced(plan: Plan, demands: Sequence[Demand]) -> list[str]:
    """One line for each function version and reason, with how many replicas it hits."""
    groups = {demand.id: demand.group for demand in demands}
    hit = Counter((groups[missing.demand], missing.reason) for missing in plan.unplaced)
    return [f"no place for {number} x {group}: {reason}" for (group, reason), number in sorted(hit.items())]
