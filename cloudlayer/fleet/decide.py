"""From what is and what is wanted to what is to be done now. A pure function, level-triggered: whatever a crash left is seen
as it is, and the same view gives the same decision."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from cloudlayer.fleet import demands as words
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.store import STUCK, MachineRow, MachineState, ReplicaRow, ReplicaRowState
from cloudlayer.fleet.view import Action, Buy, Decision, Delete, Drain, Rest, Start, Stop, View
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.scheduler import BestFitDecreasing, Demand, Machine, Plan, Policy, Purchased, Rules
from cloudlayer.units import format_duration

IDLE_PAID: Final = 60.0
"""Seconds for which a machine that costs is kept with nothing on it."""
IDLE_FREE: Final = 3600.0
"""The same for a machine that costs nothing: its warm parents make the next start quick."""
BATCH: Final = 100
"""The most machines that one intent buys."""


def decide(view: View, policy: Policy | None = None) -> Decision:
    """What to do. Machines and replicas that are busy are left alone until their thread has ended."""
    desired = view.desired
    if desired is None:
        return Decision(tuple(_nothing(view)))
    wanted = list(_demands(view, desired))
    plan = (policy or BestFitDecreasing()).plan(
        [demand for demand, _ in wanted], list(_machines(view)), view.market.offers, _rules(view)
    )
    missing = _missing(view, plan, wanted)
    actions = [
        *_resumed(view),
        *_surplus(view, desired, plan),
        *_starts(view, desired, plan, {demand.id: spec for demand, spec in wanted}),
        *_purchases(view, plan),
        *_idle(view, plan),
    ]
    return Decision(tuple(actions), plan, tuple(demand for demand, _ in wanted), missing)


def _nothing(view: View) -> Iterator[Action]:
    """Nothing is wanted: end what serves, resolve what was begun, then delete every machine."""
    yield from _resumed(view)
    for row in view.replicas:
        if row.state is ReplicaRowState.READY and row.id not in view.busy:
            yield Drain(row, "the fleet is taken down")
    occupied = {row.machine for row in view.replicas}
    for machine in view.machines:
        if machine.id not in occupied and _settled(machine, view):
            yield Delete(machine, "the fleet is taken down")


def _resumed(view: View) -> Iterator[Action]:
    """What an earlier run, or an earlier try, began and did not end."""
    batches: dict[str, list[MachineRow]] = defaultdict(list)
    for machine in view.machines:
        if machine.id in view.busy:
            continue
        if machine.state is MachineState.BUYING:
            batches[machine.batch].append(machine)
        elif machine.state is MachineState.DELETING:
            yield Delete(machine, machine.reason)
    for rows in batches.values():
        yield Buy(tuple(sorted(rows, key=lambda row: row.position)), fresh=False, why="begun before, and its end not seen")
    yield from _resumed_replicas(view)


def _resumed_replicas(view: View) -> Iterator[Action]:
    running = {machine.id for machine in view.machines if machine.state is MachineState.RUNNING}
    for row in view.replicas:
        if row.id in view.busy:
            continue
        if row.state is ReplicaRowState.STARTING:
            if view.desired is None or _spec(view, row) is None:
                yield Stop(row, "it is not wanted any more")
            elif row.machine in running:
                yield Start(row, fresh=False, why="begun before, and its end not seen")
        elif row.state is ReplicaRowState.STOPPING or (row.state is ReplicaRowState.DRAINING and row.id in view.drained):
            yield Stop(row, row.reason)


def _spec(view: View, row: ReplicaRow) -> FunctionSpec | None:
    """The version that a replica is of, if that is wanted in the very form that the replica has."""
    spec = view.desired and view.desired.manifest.of(row.key)
    return spec if spec and view.desired and view.desired.digest(spec) == row.digest else None


def _serving(view: View, spec: FunctionSpec) -> list[ReplicaRow]:
    rows = (row for row in view.replicas if row.key == spec.key and row.state.serving)
    return [row for row in rows if _spec(view, row) is not None]


def _demands(view: View, desired: Desired) -> Iterator[tuple[Demand, FunctionSpec]]:
    """A demand for each replica that should be and is not."""
    number = 0
    everywhere = {engine for engines in view.market.engines.values() for engine in engines}
    for spec in desired.manifest.function:
        lacking = view.wanted.get(spec.key, spec.scale.min) - len(_serving(view, spec))
        if spec.key in view.paused:
            continue
        for _ in range(lacking):
            number += 1
            yield words.demand(f"{spec.key}#{number}", spec, words.engine_of(spec, everywhere)), spec


def _machines(view: View) -> Iterator[Machine]:
    homes: dict[str, list[ReplicaRow]] = defaultdict(list)
    for replica in view.replicas:
        # One that its engine saw dead takes no room, though its traces are still to be removed.
        if replica.state is not ReplicaRowState.STOPPING or replica.exit in (None, STUCK):
            homes[replica.machine].append(replica)
    for row in view.machines:
        if row.state in (MachineState.BUYING, MachineState.PENDING, MachineState.RUNNING):
            yield words.machine(row, homes.get(row.id, ()), _engines(view, row.provider))


def _engines(view: View, provider: str) -> tuple[str, ...]:
    """What a machine there counts as able to run in a plan; where none can be run yet, machines are bought all the same."""
    if provider in view.market.blocked:
        return ("docker", "process")
    return view.market.engines.get(provider, ())


def _rules(view: View) -> Rules:
    keys = {words.provider_key(offer) for offer in view.market.offers}
    return replace(view.rules, engines={key: _engines(view, key) for key in keys})


def _missing(view: View, plan: Plan, wanted: Sequence[tuple[Demand, FunctionSpec]]) -> dict[str, str]:
    groups = {demand.id: demand.group for demand, _ in wanted}
    missing = {groups[one.demand]: one.reason for one in plan.unplaced}
    providers = {row.id: row.provider for row in view.machines}
    providers |= {bought.id: words.provider_key(bought.offer) for bought in plan.purchases}
    for placement in plan.placements:
        if reason := view.market.blocked.get(providers[placement.machine]):
            missing.setdefault(groups[placement.demand], reason)
    return missing


def _surplus(view: View, desired: Desired, plan: Plan) -> Iterator[Action]:
    """Replicas of which there are too many, or of a form that is wanted no more."""
    stuck = {demand.demand for demand in plan.unplaced}
    for row in view.replicas:
        if row.state is ReplicaRowState.READY and row.id not in view.busy and desired.manifest.of(row.key) is None:
            yield Drain(row, "this version is not in the manifest any more")
    for spec in desired.manifest.function:
        rows = [row for row in view.replicas if row.key == spec.key and row.state.serving and row.id not in view.busy]
        current = [row for row in rows if _spec(view, row) is not None]
        yield from _too_many(view, spec, current)
        yield from _outdated(view, spec, [row for row in rows if row not in current], current, bool(stuck))


def _too_many(view: View, spec: FunctionSpec, current: Sequence[ReplicaRow]) -> Iterator[Action]:
    wanted = view.wanted.get(spec.key, spec.scale.min)
    surplus = len(_serving(view, spec)) - wanted
    ready = [row for row in current if row.state is ReplicaRowState.READY]
    newest_first = sorted(ready, key=lambda row: (row.created_at, row.id), reverse=True)
    for row in newest_first[: max(0, surplus)]:
        yield Drain(row, f"{wanted} wanted; unused for {format_duration(spec.scale.idle)}")


def _outdated(
    view: View, spec: FunctionSpec, old: Sequence[ReplicaRow], current: Sequence[ReplicaRow], stuck: bool
) -> Iterator[Action]:
    """Old forms go when as many new ones are ready as are wanted; one at a time sooner, where there is no room for both."""
    ready = sum(row.state is ReplicaRowState.READY for row in current)
    old = sorted((row for row in old if row.state is ReplicaRowState.READY), key=lambda row: (row.created_at, row.id))
    enough = ready >= view.wanted.get(spec.key, spec.scale.min)
    for row in old if enough else old[:1] if stuck else ():
        yield Drain(row, "replaced by the form that was deployed since")


def _starts(view: View, desired: Desired, plan: Plan, specs: Mapping[str, FunctionSpec]) -> Iterator[Action]:
    """Replicas that have a place on a machine that runs; the others wait until theirs does."""
    machines = {row.id: row for row in view.machines if row.state is MachineState.RUNNING and row.id not in view.busy}
    engines = {engine for engines in view.market.engines.values() for engine in engines}
    number = view.replicas_so_far
    for placement in sorted(plan.placements, key=lambda placement: placement.demand):
        machine = machines.get(placement.machine)
        if machine is None or machine.provider in view.market.blocked:
            continue
        spec = specs[placement.demand]
        number += 1
        row = ReplicaRow(
            fleet=view.fleet,
            id=str(uuid.uuid5(uuid.UUID(view.owner), f"{view.fleet}/replica/{number}")),
            function=spec.name,
            version=spec.version,
            digest=desired.digest(spec),
            machine=machine.id,
            engine=words.engine_of(spec, engines),
            devices=placement.devices,
            spec=spec.model_dump(mode="json"),
            state=ReplicaRowState.STARTING,
            created_at=view.now,
            changed_at=view.now,
        )
        yield Start(row, fresh=True, why=f"{view.wanted.get(spec.key, spec.scale.min)} wanted")


def _purchases(view: View, plan: Plan) -> Iterator[Action]:
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
            yield Buy(tuple(_bought(view, names, part)), fresh=True, why="no machine that is there has room")


def _bought(view: View, names: Sequence[str], part: Sequence[Purchased]) -> Iterator[MachineRow]:
    batch = str(uuid.uuid5(uuid.UUID(view.owner), f"{view.fleet}/machine/{names[0]}/{len(names)}"))
    for position, (name, bought) in enumerate(zip(names, part, strict=True)):
        yield MachineRow(
            fleet=view.fleet,
            id=name,
            batch=batch,
            position=position,
            provider=words.provider_key(bought.offer),
            offer=bought.offer,
            spec={"disk": bought.disk},
            state=MachineState.BUYING,
            created_at=view.now,
            changed_at=view.now,
        )


def _idle(view: View, plan: Plan) -> Iterator[Action]:
    """Machines that have nothing to do are noted, and deleted when that has lasted."""
    used = {row.machine for row in view.replicas} | {placement.machine for placement in plan.placements}
    for row in view.machines:
        if not _settled(row, view):
            continue
        if row.id in used:
            if row.idle_since is not None:
                yield Rest(row, None)
        elif row.idle_since is None:
            yield Rest(row, view.now)
        elif view.now - row.idle_since >= (limit := _patience(row)):
            yield Delete(row, f"nothing ran on it for {format_duration(limit)}")


def _patience(row: MachineRow) -> float:
    price = row.offer.price
    return IDLE_FREE if price is not None and price.amount == 0 else IDLE_PAID


def _settled(row: MachineRow, view: View) -> bool:
    return row.state in (MachineState.PENDING, MachineState.RUNNING) and row.id not in view.busy
