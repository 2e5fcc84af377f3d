"""Old forms and old versions leave for new ones: when those are proven, or sooner where one of them is in the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.store import ReplicaRow, ReplicaRowState
from cloudlayer.fleet.view import Drain
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.scheduler import Demand, Machine, Plan, Policy, Rules
from cloudlayer.scheduler.fit import release

MOST: Final = 16
"""How many replicas are asked, oldest first, whether their end would make room."""


@dataclass(frozen=True)
class Room:
    """What was planned on, to ask what would have a place if somebody ended. `demands` are those of the plan."""

    machines: Sequence[Machine]
    demands: Sequence[Demand]
    plan: Plan
    policy: Policy
    rules: Rules

    def lacks(self, keys: frozenset[str]) -> list[Demand]:
        """The demands of these versions that have no place."""
        unplaced = {one.demand for one in self.plan.unplaced}
        return [demand for demand in self.demands if demand.id in unplaced and demand.group in keys]

    def in_the_way(self, keys: frozenset[str], rows: Sequence[ReplicaRow]) -> list[ReplicaRow]:
        """The oldest of the rows, with its gang, whose end gives one of these versions a place.

        None where nothing lacks, where nobody's end is enough, and where those that are ending already make the room.
        """
        lacking = self.lacks(keys)
        if not lacking:
            return []
        left = [_without(machine, {each.demand.id for each in machine.residents if each.leaving}) for machine in self.machines]
        if self._placed(lacking, left):
            return []
        for first in sorted(rows, key=age)[:MOST]:
            band = [row for row in rows if row is first or (row.gang is not None and row.gang == first.gang)]
            gone = {row.id for row in band}
            if self._placed(lacking, [_without(machine, gone) for machine in left]):
                return band
        return []

    def _placed(self, demands: Sequence[Demand], machines: Sequence[Machine]) -> bool:
        plan = self.policy.plan(demands, machines, (), replace(self.rules, traffic=()))
        return bool(plan.placements) and not plan.evictions


def outdated(desired: Desired, spec: FunctionSpec, old: Sequence[ReplicaRow], room: Room, *, enough: bool) -> Iterator[Drain]:
    """Old forms of a version go when `enough` new ones are ready, and these are proven."""
    digest, serving = desired.digest(spec), [row for row in old if row.state is ReplicaRowState.READY]
    enough = enough and spec.key not in desired.candidates
    # The end of one that is only where it may not be any more makes no room for another.
    others = [row for row in serving if row.digest != digest]
    for row in serving if enough else room.in_the_way(frozenset({spec.key}), others):
        same = row.digest == digest
        yield Drain(row, "it may not be on its machine any more" if same else "replaced by the form that was deployed since")


def kept(desired: Desired, spec: FunctionSpec, ready: Sequence[ReplicaRow], room: Room) -> Iterator[Drain]:
    """Versions that an update keeps go when it has ended."""
    if spec.key in desired.kept:
        successors = frozenset(key for key in desired.candidates if key.startswith(f"{spec.name}/"))
        for row in room.in_the_way(successors, ready):
            yield Drain(row, "its place is needed for the version that replaces it")


def age(row: ReplicaRow) -> tuple[float, str]:
    """A key that sorts the oldest first."""
    return row.created_at, row.id


def _without(machine: Machine, gone: set[str]) -> Machine:
    for resident in machine.residents:
        if resident.demand.id in gone:
            machine = release(machine, resident)
    return machine
