"""Emptying machines: which ones a quiet fleet empties, how their replicas leave, and when that is called off.

A machine's row says since when it is being emptied, and all else follows from that. Its replicas count for nothing, so others
are planned and started elsewhere; each leaves when one more is ready than is wanted; then the machine is deleted at once. Until
the last one has left, the mark can be taken back, and it is as if nothing had been. A machine that is cordoned as well has to
go: it is never kept, and its replicas leave as soon as others have come, or just before its cloud ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from cloudlayer.fleet.store import MachineRow, MachineState, ReplicaRow, ReplicaRowState
from cloudlayer.fleet.view import Drain, Empty, View
from cloudlayer.functions.consolidation import Consolidation
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.scheduler import Machine, Plan, Policy, Rules
from cloudlayer.scheduler.consolidation import Emptying, Terms, consolidate, spent

LOOK_SECONDS: Final = 1.5
"""A fleet is looked at for so long once in each `after` that no machine changes, and so in a step or two: that costs time."""
PART: Final = 4
"""Of a version's replicas, one in so many leaves at a time to save money, and at least one."""
LAST_SECONDS: Final = 15.0
"""Seconds before its cloud ends a machine in which its replicas finish their calls and take no more, others or none."""


def leaving(view: View) -> frozenset[str]:
    """The machines that are being emptied."""
    return frozenset(row.id for row in view.machines if row.emptying is not None)


def without(view: View) -> View:
    """The same with nothing being emptied that can still be kept."""
    rows = tuple(replace(row, emptying=None) if keepable(row) else row for row in view.machines)
    return replace(view, machines=rows)


def keepable(row: MachineRow) -> bool:
    """Whether the machine is being emptied, not deleted yet, and could be kept."""
    return row.emptying is not None and not row.cordoned and row.state is not MachineState.DELETING


def terms(settings: Consolidation) -> Terms:
    """The scheduler's terms for a manifest's."""
    return Terms(least=settings.least, share=settings.share, payback=settings.payback, move=settings.move, moves=settings.moves)


def worthwhile(
    view: View, machines: Sequence[Machine], rules: Rules, policy: Policy, settings: Consolidation
) -> Emptying | None:
    """What to empty of a fleet in which nothing is under way."""
    if not settings.enabled:
        return None
    return consolidate(machines, view.market.offers, rules, policy=policy, terms=terms(settings))


def begun(view: View, machines: Sequence[Machine], rules: Rules, policy: Policy) -> Iterator[Empty]:
    """What to begin to empty now, if the fleet is quiet and it is time to look."""
    if view.desired is None:
        return
    settings = view.desired.manifest.fleet.consolidation
    if not (_quiet(view) and _due(view, settings.after)):
        return
    found = worthwhile(view, machines, rules, policy, settings)
    if found is not None:
        rows = tuple(row for row in view.machines if row.id in found.machines)
        yield Empty(rows, told(found, rules.currency))


def told(emptying: Emptying, currency: str) -> str:
    """What emptying does, in words."""
    others = f", with {len(emptying.machines)} machines emptied together" if len(emptying.machines) > 1 else ""
    replicas = f"{emptying.moves} replica{'s' * (emptying.moves != 1)}"
    return f"saves {emptying.saving:.2f} {currency}/h, moves {replicas}{others}"


def doubt(view: View, plan: Plan, rules: Rules, otherwise: Callable[[], Plan]) -> str | None:
    """Why what is being emptied should be kept, None if nothing speaks against it.

    `plan` is for the fleet without it, `otherwise` gives the one with it. What is still to be bought, and was bought since it
    began, may not cost more than what is given up, beside what would be bought in any case.
    """
    going = {row.id for row in view.machines if keepable(row)}
    moving = [row for row in view.replicas if row.machine in going]
    if view.desired is None or not moving:
        return None
    settings = view.desired.manifest.fleet.consolidation
    if not settings.enabled:
        return "consolidation is switched off"
    if held := sorted({row.key for row in moving} & view.paused):
        return f"{', '.join(held)} cannot be started elsewhere"
    if needy := [each.reason for each in plan.unplaced] or [each.reason for each in plan.evictions]:
        return f"its room is needed: {needy[0]}"
    if plan.purchases and not _pays(view, plan, rules, terms(settings), otherwise):
        return "it would save too little now"
    return None


def _pays(view: View, plan: Plan, rules: Rules, limits: Terms, otherwise: Callable[[], Plan]) -> bool:
    rows = [row for row in view.machines if keepable(row)]
    since = min(row.emptying for row in rows if row.emptying is not None)
    later = [row.offer for row in view.machines if row.created_at >= since and row.emptying is None]
    given = spent([row.offer for row in rows], rules)
    added = spent([*(purchase.offer for purchase in plan.purchases), *later], rules)
    if given is None or added is None:
        return False
    most = given - limits.required(given) + 1e-9
    if added <= most:
        return True
    anyway = spent([purchase.offer for purchase in otherwise().purchases], rules)
    return anyway is not None and added <= most + anyway


def drains(view: View, spec: FunctionSpec, ready: int, old: Sequence[ReplicaRow]) -> Iterator[Drain]:
    """Those of `old`, which are on machines that are being emptied, that leave now: `ready` others are there already."""
    urgent = {row.id: row for row in view.machines if row.goes}
    wanted = view.wanted.get(spec.key, spec.scale.min)
    able = sorted((row for row in old if row.state is ReplicaRowState.READY), key=lambda row: (row.created_at, row.id))
    spare = max(0, ready + len(able) - wanted)
    first = [row for row in able if row.machine in urgent]
    ending = [row for row in first if _ends_now(urgent[row.machine], view.now)]
    leave = list({row.id: row for row in (*ending, *first[:spare])}.values())
    others = [row for row in able if row.machine not in urgent]
    part = min(spare - len(leave), max(1, wanted // PART) - _under_way(view, spec))
    for row in (*leave, *others[: max(0, part)]):
        yield Drain(row, "its machine is being emptied")


def _under_way(view: View, spec: FunctionSpec) -> int:
    going = {row.id for row in view.machines if keepable(row)}
    return sum(row.key == spec.key and row.machine in going and row.state is ReplicaRowState.DRAINING for row in view.replicas)


def _ends_now(machine: MachineRow, now: float) -> bool:
    return machine.ends_at is not None and machine.ends_at - now <= LAST_SECONDS


def _quiet(view: View) -> bool:
    """Whether nothing is under way or on probation, and no machine waits for its end."""
    machines = all(_steady(row) for row in view.machines)
    replicas = all(row.state.at_rest for row in view.replicas)
    well = not view.paused and not view.failing and not view.rules.avoid
    return machines and replicas and well and bool(view.machines) and not view.busy


def _steady(row: MachineRow) -> bool:
    ends = row.idle_since is not None and row.offer.price is not None and row.offer.price.amount > 0
    return row.state is MachineState.RUNNING and row.emptying is None and row.unreachable is None and not ends


def _due(view: View, after: float) -> bool:
    rest = view.now - max(row.changed_at for row in view.machines)
    return rest >= after and rest % after < LOOK_SECONDS
