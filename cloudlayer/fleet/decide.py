"""From what is and what is wanted to what is to be done now. A pure function, level-triggered: whatever a crash left is seen
as it is, and the same view gives the same decision."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, NamedTuple

from cloudlayer.fleet import booting, emptying, evicting, gangs, losing, replacing, turns
from cloudlayer.fleet import demands as words
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.grounds import Grounds
from cloudlayer.fleet.resuming import resumed, settled, taken_down
from cloudlayer.fleet.store import STUCK, MachineRow, MachineState, ReplicaRow, ReplicaRowState
from cloudlayer.fleet.view import Action, Buy, Decision, Delete, Drain, Keep, Park, Rest, Return, Start, Stop, View
from cloudlayer.functions.manifest import FleetSection, FunctionSpec
from cloudlayer.scheduler import BestFitDecreasing, Demand, Machine, Plan, Policy, Purchased, Rules
from cloudlayer.scheduler.fit import region_of
from cloudlayer.units import format_duration

IDLE_PAID: Final = 60.0
"""Seconds for which a machine that costs is kept with nothing on it."""
IDLE_FREE: Final = 3600.0
"""The same for a machine that costs nothing: its warm parents make the next start quick."""
_OF_REPLICAS: Final = (Start, Stop, Park, Return)
BATCH: Final = 100
"""The most machines that one intent buys."""


def decide(view: View, policy: Policy | None = None) -> Decision:
    """What to do. Machines and replicas that are busy are left alone until their thread has ended."""
    losses = tuple(losing.given_up(view))
    view = losing.without(view, losses)
    if view.desired is None:
        return Decision((*losses, *taken_down(view)))
    decision = _decided(view, view.desired, policy or BestFitDecreasing())
    return replace(decision, actions=(*losses, *decision.actions))


def _decided(view: View, desired: Desired, policy: Policy) -> Decision:
    lacking = dict(_lacking(view, desired))
    back = turns.returns(view, tuple(machines_of(view, desired)), lacking) if lacking else []
    view = turns.with_returns(view, back)
    wanted, machines, rules, plan = _drafted(view, desired, policy)
    kept: list[Keep] = []
    whole = emptying.without(view)
    if reason := emptying.doubt(view, plan, rules, lambda: _drafted(whole, desired, policy).plan):
        kept = [Keep(row, reason) for row in view.machines if emptying.keepable(row)]
        view = whole
        wanted, machines, rules, plan = _drafted(view, desired, policy)
    demanded = tuple(demand for demand, _ in wanted)
    missing = _missing(view, desired, plan, wanted)
    endings = _endings(view, desired, replacing.Room(machines, demanded, plan, policy, rules))
    settled_here = endings.keys() | {action.row.id for action in back}
    actions = [
        *kept,
        *(action for action in resumed(view) if not (isinstance(action, _OF_REPLICAS) and action.row.id in settled_here)),
        *endings.values(),
        *_starts(view, desired, plan, wanted, Grounds(plan, demanded, machines, view.market.offers, rules)),
        *back,
        *turns.making_room(view, plan, demanded, machines, endings),
        *_purchases(view, desired.manifest.fleet, plan),
        *_idle(view, plan),
    ]
    if not actions and not wanted:
        actions = list(emptying.begun(view, machines, rules, policy))
    return Decision(tuple(actions), plan, demanded, missing, machines, rules)


class _Draft(NamedTuple):
    """What lacks, on what it is planned, and the plan."""

    wanted: list[tuple[Demand, FunctionSpec]]
    machines: tuple[Machine, ...]
    rules: Rules
    plan: Plan


def _drafted(view: View, desired: Desired, policy: Policy) -> _Draft:
    wanted = list(_demands(view, desired))
    machines, rules = tuple(machines_of(view, desired)), rules_of(view)
    demands = [demand for demand, _ in wanted]
    plan = policy.plan(demands, machines, view.market.offers, replace(rules, traffic=()))
    running = {row.id for row in view.machines if row.state is MachineState.RUNNING and row.id not in view.busy}
    # To bring calls together takes seconds in a large fleet: it is done where something comes of it, not while machines boot.
    if rules.traffic and (plan.purchases or any(each.machine in running for each in plan.placements)):
        plan = policy.plan(demands, machines, view.market.offers, rules)
    return _Draft(wanted, machines, rules, plan)


def _serving(view: View, spec: FunctionSpec) -> list[ReplicaRow]:
    """Those that count: of the form that is wanted, and not on a machine that is being emptied."""
    going = emptying.leaving(view)
    rows = (row for row in view.replicas if row.key == spec.key and row.state.serving and row.machine not in going)
    return gangs.whole(row for row in rows if view.spec(row) is not None)


def _lacking(view: View, desired: Desired) -> Iterator[tuple[str, int]]:
    """By version, how many serving replicas lack; only where there are some that could come back."""
    if any(row.state is ReplicaRowState.PARKED for row in view.replicas):
        for spec in desired.manifest.function:
            yield spec.key, view.wanted.get(spec.key, spec.scale.min) - len(_serving(view, spec))


def _demands(view: View, desired: Desired) -> Iterator[tuple[Demand, FunctionSpec]]:
    """A demand for each replica that should be and is not."""
    number = 0
    everywhere = view.market.everywhere
    lowest = min((spec.priority for spec in desired.manifest.function), default=0)
    for spec in desired.manifest.function:
        there = len(_serving(view, spec)) + len(turns.parked(view, spec)) + gangs.ending(view, spec)
        lacking = view.wanted.get(spec.key, spec.scale.min) - there
        if spec.key in view.paused or words.unhonoured(spec, everywhere):
            continue
        for nth in range(1, lacking + 1):
            number += 1
            one = words.demand(f"{spec.key}#{number}", spec, words.engine_of(spec, everywhere))
            yield gangs.member(replace(one, priority=_priority(view, desired, spec, lowest)), spec, nth), spec


def _priority(view: View, desired: Desired, spec: FunctionSpec, lowest: int) -> int:
    """The priority of what lacks, where there is not enough for all; `lowest` is that of any function."""
    unused = spec.resources.gpu is not None and view.idle.get(spec.key, 0.0) > 0
    if spec.key in desired.kept or unused:
        # After what is to take the place of a version that is only kept, and after those that are called, on GPUs in turn.
        return lowest - 1
    # Nobody has to end for the sake of one that may not come up.
    return lowest if spec.key in view.failing else spec.priority


def machines_of(view: View, desired: Desired) -> Iterator[Machine]:
    """The machines that replicas can be placed on, with who is on them; not those that are being emptied, take no more
    replicas or do not answer."""
    homes: dict[str, list[ReplicaRow]] = defaultdict(list)
    for replica in view.replicas:
        # One that its engine saw dead takes no room, though its traces are still to be removed.
        if replica.state is not ReplicaRowState.STOPPING or replica.exit in (None, STUCK):
            homes[replica.machine].append(replica)
    for row in view.machines:
        able = row.emptying is None and row.unreachable is None and not row.cordoned
        if able and row.state in (MachineState.BUYING, MachineState.PENDING, MachineState.RUNNING):
            engines = _engines(view, row.provider)
            here = homes.get(row.id, ())
            yield words.machine(row, here, engines, rules=view.rules, manifest=desired.manifest, now=view.now)


def _engines(view: View, provider: str) -> tuple[str, ...]:
    """What a machine there counts as able to run in a plan; where none can be run yet, machines are bought all the same."""
    if provider in view.market.blocked:
        return ("docker", "process")
    return view.market.engines.get(provider, ())


def rules_of(view: View) -> Rules:
    """What may be bought, with what machines there can run."""
    keys = {region_of(offer) for offer in view.market.offers}
    return replace(view.rules, engines={key: _engines(view, key) for key in keys})


def _missing(view: View, desired: Desired, plan: Plan, wanted: Sequence[tuple[Demand, FunctionSpec]]) -> dict[str, str]:
    groups = {demand.id: demand.group for demand, _ in wanted}
    missing = {groups[one.demand]: one.reason for one in plan.unplaced}
    everywhere = view.market.everywhere
    missing |= {spec.key: reason for spec in desired.manifest.function if (reason := words.unhonoured(spec, everywhere))}
    providers = {row.id: row.provider for row in view.machines}
    providers |= {bought.id: region_of(bought.offer) for bought in plan.purchases}
    for placement in plan.placements:
        if reason := view.market.blocked.get(providers[placement.machine]):
            missing.setdefault(groups[placement.demand], reason)
    return missing


def _endings(view: View, desired: Desired, room: replacing.Room) -> dict[str, Drain | Stop]:
    """The replicas that are to end, by id, each for the first reason that holds."""
    found: dict[str, Drain | Stop] = {}
    for action in chain(gangs.ends(view), turns.ends(view), _surplus(view, desired, room), evicting.ends(view, room.plan)):
        found.setdefault(action.row.id, action)
    return found


def _surplus(view: View, desired: Desired, room: replacing.Room) -> Iterator[Drain]:
    """Replicas of which there are too many, or of a form that is wanted no more."""
    going, urgent = emptying.leaving(view), {row.id for row in view.machines if row.goes}
    for row in view.replicas:
        if row.state is ReplicaRowState.READY and row.id not in view.busy and desired.manifest.of(row.key) is None:
            yield Drain(row, "this version is not in the manifest any more")
    for spec in desired.manifest.function:
        rows = [row for row in view.replicas if row.key == spec.key and row.state.serving and row.id not in view.busy]
        wanted = [row for row in rows if view.spec(row) is not None]
        current = [row for row in wanted if row.machine not in going]
        ready = sum(row.state is ReplicaRowState.READY for row in current)
        yield from _too_many(view, spec, current)
        same = {row.id for row in wanted}
        leaving = [row for row in rows if row.machine in urgent or (row.machine in going and row.id in same)]
        yield from emptying.drains(view, spec, ready, leaving)
        old, enough = [row for row in rows if row.id not in same], ready >= view.wanted.get(spec.key, spec.scale.min)
        yield from replacing.outdated(desired, spec, old, room, enough=enough)
        yield from replacing.kept(desired, spec, [row for row in current if row.state is ReplicaRowState.READY], room)


def _too_many(view: View, spec: FunctionSpec, current: Sequence[ReplicaRow]) -> Iterator[Drain]:
    wanted = view.wanted.get(spec.key, spec.scale.min)
    surplus = len(_serving(view, spec)) - wanted
    ready = [row for row in current if row.state is ReplicaRowState.READY]
    for row in gangs.newest(ready, surplus):
        yield Drain(row, f"{wanted} wanted; unused for {format_duration(spec.scale.idle)}")


def _starts(
    view: View, desired: Desired, plan: Plan, wanted: Sequence[tuple[Demand, FunctionSpec]], grounds: Grounds
) -> Iterator[Start]:
    """Replicas that have a place on a machine that runs; the others wait until theirs does, and a gang for all of its own."""
    running = {row.id: row for row in view.machines if row.state is MachineState.RUNNING and row.id not in view.busy}
    machines = {row.id for row in running.values() if row.provider not in view.market.blocked}
    engines, by_id = view.market.everywhere, {demand.id: (demand, spec) for demand, spec in wanted}
    number, gang = view.replicas_so_far, ""
    for placement in gangs.startable(evicting.free(plan, machines), plan, {demand.id: demand for demand, _ in wanted}):
        demand, spec = by_id[placement.demand]
        number += 1
        if demand.rank == 0:
            gang = str(uuid.uuid5(uuid.UUID(view.owner), f"{view.fleet}/gang/{number}"))
        row = ReplicaRow(
            fleet=view.fleet,
            id=str(uuid.uuid5(uuid.UUID(view.owner), f"{view.fleet}/replica/{number}")),
            function=spec.name,
            version=spec.version,
            digest=desired.digest(spec),
            machine=placement.machine,
            engine=words.engine_of(spec, engines),
            devices=placement.devices,
            slices=placement.slices,
            spec=spec.model_dump(mode="json"),
            state=ReplicaRowState.STARTING,
            created_at=view.now,
            changed_at=view.now,
            gang=None if demand.gang is None else gang,
            rank=demand.rank,
        )
        why = f"{view.wanted.get(spec.key, spec.scale.min)} wanted. {grounds.of(placement.demand, placement.machine)}"
        yield Start(row, fresh=True, why=why)


def _purchases(view: View, fleet: FleetSection, plan: Plan) -> Iterator[Action]:
    """What the plan buys: one batch for all machines of one offer and disk."""
    groups: dict[tuple[str, int], list[Purchased]] = defaultdict(list)
    for bought in plan.purchases:
        groups[bought.offer.id, bought.disk].append(bought)
    number = view.machines_so_far
    for _, alike in sorted(groups.items()):
        for first in range(0, len(alike), BATCH):
            part = alike[first : first + BATCH]
            names = [f"m{number + position + 1}" for position in range(len(part))]
            number += len(part)
            yield Buy(tuple(_bought(view, fleet, names, part)), fresh=True, why="no machine that is there has room")


def _bought(view: View, fleet: FleetSection, names: Sequence[str], part: Sequence[Purchased]) -> Iterator[MachineRow]:
    batch = str(uuid.uuid5(uuid.UUID(view.owner), f"{view.fleet}/machine/{names[0]}/{len(names)}"))
    for position, (name, bought) in enumerate(zip(names, part, strict=True)):
        yield MachineRow(
            fleet=view.fleet,
            id=name,
            batch=batch,
            position=position,
            provider=region_of(bought.offer),
            offer=bought.offer,
            spec={"disk": bought.disk, **booting.settings(fleet, bought.offer)},
            state=MachineState.BUYING,
            created_at=view.now,
            changed_at=view.now,
        )


def _idle(view: View, plan: Plan) -> Iterator[Action]:
    """Machines that have nothing to do are noted, and deleted when that has lasted."""
    used = {row.machine for row in view.replicas} | {placement.machine for placement in plan.placements}
    for row in view.machines:
        if not settled(row, view):
            continue
        if row.emptying is not None:
            if row.id not in used:
                yield Delete(row, f"emptied: {row.reason}")
        elif row.id in used or row.cordoned:
            if row.idle_since is not None:
                yield Rest(row, None)
        elif row.idle_since is None:
            yield Rest(row, view.now)
        elif view.now - row.idle_since >= (limit := _patience(row)):
            yield Delete(row, f"nothing ran on it for {format_duration(limit)}")


def _patience(row: MachineRow) -> float:
    price = row.offer.price
    return IDLE_FREE if price is not None and price.amount == 0 else IDLE_PAID
