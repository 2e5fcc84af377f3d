"""How a plan looks: which machines to buy, keep and delete, what runs on each, what it costs, and what finds no place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from cloudlayer.cli.accounts import account_document, account_of, print_account
from cloudlayer.cli.boxes import contents
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
    if preview.plan.unplaced and not (preview.plan.placements or preview.kept or preview.emptying):
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


def print_plan(preview: Preview, *, stream: TextIO | None = None, explain: bool = False) -> None:
    """Show what is to be bought, beside the machines that stay and those that go; on standard output, or on `stream`.

    To `explain` is to say on standard output why each replica is where it is, or nowhere.
    """
    plan = preview.plan
    bought = {machine.id: machine.offer for machine in plan.purchases}
    emptied = {name: machine.offer for name, machine in preview.emptying.items() if machine.offer is not None}
    loads = _replicas(preview)
    actions = (("buy", bought), ("keep", preview.kept), ("empty", emptied), ("delete", preview.deleted))
    rows = [_row(action, name, offer, loads.get(name)) for action, machines in actions for name, offer in machines.items()]
    print_table(MACHINES, rows, empty="no machine is needed", stream=stream)
    if rows:
        after = per_hour([offer.price for offer in (*bought.values(), *preview.kept.values())])
        note(f"the fleet then costs {after}, of which {per_hour([offer.price for offer in bought.values()])} is new")
    if plan.gap is not None and costs(list(bought.values())):
        note(f"what is new is at most {100 * plan.gap:.1f} % above the cheapest possible")
    missing = [] if explain else _unplaced(plan, preview.demands)
    told = [preview.consolidation] if preview.consolidation else []
    for line in (*_evictions(preview), *missing, *told, *preview.warnings):
        note(line)
    if explain:
        print_account(account_of(preview))


def plan_document(preview: Preview, *, explain: bool = False) -> dict[str, Any]:
    """The same as JSON has it."""
    plan = preview.plan
    groups = {demand.id: demand.group for demand in preview.demands}
    document = {
        "buy": [{"id": machine.id, "disk": machine.disk, "offer": plain(machine.offer)} for machine in plan.purchases],
        "keep": [{"id": name, "offer": plain(offer)} for name, offer in preview.kept.items()],
        "empty": [{"id": name, "offer": plain(machine.offer)} for name, machine in preview.emptying.items()],
        "delete": [{"id": name, "offer": plain(offer)} for name, offer in preview.deleted.items()],
        "placements": [{"function": groups[placement.demand], **plain(placement)} for placement in plan.placements],
        "unplaced": [{"function": groups[missing.demand], **plain(missing)} for missing in plan.unplaced],
        "evictions": [{"function": _resident(preview, one.replica), **plain(one)} for one in plan.evictions],
        "consolidation": preview.consolidation or None,
        "warnings": list(preview.warnings),
        "lower_bound": plan.lower_bound,
        "gap": plan.gap,
    }
    return {**document, "explanation": account_document(account_of(preview))} if explain else document


def _row(action: str, name: str, offer: Offer, load: Counter[str] | None) -> Row:
    replicas = ", ".join(f"{number} x {group}" for group, number in sorted((load or {}).items()))
    kind, price = offer.machine_type.name, price_text(offer.price)
    return (action, name, offer.provider, offer.zone, kind, offer.purchase, price, replicas)


def _replicas(preview: Preview) -> dict[str, Counter[str]]:
    """How many replicas of each function version are on each machine then."""
    return {name: Counter(demand.group for demand, _, ends in taken if not ends) for name, taken in contents(preview).items()}


def _resident(preview: Preview, replica: str) -> str | None:
    """The function version of a replica that runs."""
    residents = (one.demand for machine in preview.machines for one in machine.residents)
    return next((demand.group for demand in residents if demand.id == replica), None)


def _evictions(preview: Preview) -> list[str]:
    """One line for each function version, machine and reason, with how many replicas end there."""
    ends = Counter((_resident(preview, one.replica) or one.replica, one.machine, one.reason) for one in preview.plan.evictions)
    return [f"{number} x {group} on {machine} must end: {reason}" for (group, machine, reason), number in sorted(ends.items())]


def _unplaced(plan: Plan, demands: Sequence[Demand]) -> list[str]:
    """One line for each function version and reason, with how many replicas it hits."""
    return [f"no place for {number} x {group}: {reason}" for group, reason, number in unplaced(plan, demands)]


def unplaced(plan: Plan, demands: Sequence[Demand]) -> list[tuple[str, str, int]]:
    """The function versions that find no place, with the reason, and how many replicas it hits."""
    groups = {demand.id: demand.group for demand in demands}
    hit = Counter((groups[missing.demand], missing.reason) for missing in plan.unplaced)
    return [(group, reason, number) for (group, reason), number in sorted(hit.items())]
