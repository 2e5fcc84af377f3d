"""How a plan looks: which machines to buy, keep and delete, what runs on each, what it costs, and what finds no place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cloudlayer.cli.forms import Row, per_hour
from cloudlayer.cli.output import UNKNOWN, note, plain, print_table

if TYPE_CHECKING:
    from cloudlayer.resources import Offer
    from cloudlayer.scheduler import Demand, Plan

MACHINES = ("", "MACHINE", "PROVIDER", "ZONE", "MACHINE TYPE", "BOUGHT", ">PRICE/H", "REPLICAS")

Machines = Mapping[str, "Offer"]
"""Machines by id, each with the offer that it was or is bought by."""


def costs(offers: Sequence[Offer]) -> bool:
    """Whether buying these costs something, or may: an unknown price is no zero."""
    return any(offer.price is None or offer.price.amount > 0 for offer in offers)


def print_plan(plan: Plan, demands: Sequence[Demand], *, kept: Machines, deleted: Machines) -> None:
    """Show a plan for `demands`, beside the machines that stay and those that go."""
    bought = {machine.id: machine.offer for machine in plan.purchases}
    loads = _replicas(plan, demands)
    actions = (("buy", bought), ("keep", kept), ("delete", deleted))
    rows = [_row(action, name, offer, loads.get(name)) for action, machines in actions for name, offer in machines.items()]
    print_table(MACHINES, rows, empty="no machine is needed")
    if rows:
        after = per_hour([offer.price for offer in (*bought.values(), *kept.values())])
        note(f"the fleet then costs {after}, of which {per_hour([offer.price for offer in bought.values()])} is new")
    for line in _unplaced(plan, demands):
        note(line)


def plan_document(plan: Plan, demands: Sequence[Demand], *, kept: Machines, deleted: Machines) -> dict[str, Any]:
    """The same as JSON has it."""
    groups = {demand.id: demand.group for demand in demands}
    return {
        "buy": [{"id": machine.id, "disk": machine.disk, "offer": plain(machine.offer)} for machine in plan.purchases],
        "keep": [{"id": name, "offer": plain(offer)} for name, offer in kept.items()],
        "delete": [{"id": name, "offer": plain(offer)} for name, offer in deleted.items()],
        "placements": [{"function": groups[placement.demand], **plain(placement)} for placement in plan.placements],
        "unplaced": [{"function": groups[missing.demand], **plain(missing)} for missing in plan.unplaced],
    }


def _row(action: str, name: str, offer: Offer, load: Counter[str] | None) -> Row:
    price = UNKNOWN if offer.price is None else f"{offer.price.amount:.4f} {offer.price.currency}"
    replicas = ", ".join(f"{number} x {group}" for group, number in sorted((load or {}).items()))
    return (action, name, offer.provider, offer.zone, offer.machine_type.name, offer.purchase, price, replicas)


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
