"""Gangs of replicas: they start and end together, and calls go to rank 0 of those that are whole.

A gang's rows are written in one transaction, so one of which fewer are serving has lost a member: the others end, and when the
last has ended, a new gang is planned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from cloudlayer.fleet.store import ReplicaRow, ReplicaRowState
from cloudlayer.fleet.view import Stop, View
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.scheduler import Demand, Placement, Plan


def whole(rows: Iterable[ReplicaRow]) -> list[ReplicaRow]:
    """The rows that are of no gang, or of one whose members are all among the rows."""
    known = list(rows)
    members = Counter(row.gang for row in known)
    return [row for row in known if row.gang is None or members[row.gang] == row.spec["gang"]]


def callable_rows(rows: Iterable[ReplicaRow]) -> list[ReplicaRow]:
    """Of rows that are ready, those that calls go to."""
    return [row for row in whole(rows) if row.rank == 0]


def newest(rows: Iterable[ReplicaRow], count: int) -> list[ReplicaRow]:
    """At most `count` of the rows, the newest first; whole gangs only."""
    bands: dict[str, list[ReplicaRow]] = defaultdict(list)
    for row in whole(rows):
        bands[row.gang or row.id].append(row)
    found: list[ReplicaRow] = []
    for _, band in sorted(bands.items(), key=lambda each: (max(row.created_at for row in each[1]), each[0]), reverse=True):
        if len(found) + len(band) <= count:
            found += band
    return found


def ending(view: View, spec: FunctionSpec) -> int:
    """How many replicas the gangs of this form had that are neither whole nor all ended: what is anew waits for their end."""
    live = [row for row in view.replicas if row.key == spec.key and row.gang is not None and view.spec(row) is not None]
    intact = {row.gang for row in whole(row for row in live if row.state.serving)}
    return (spec.gang or 0) * len({row.gang for row in live} - intact)


def ends(view: View) -> Iterator[Stop]:
    """Let the rest of a gang end that has lost a member."""
    serving = [row for row in view.replicas if row.state.serving]
    intact = {row.id for row in whole(serving)}
    for row in serving:
        if row.id not in intact and row.id not in view.busy:
            yield Stop(row, "a member of its gang has ended")


def idle(rows: Iterable[ReplicaRow], drained: Callable[[str], bool]) -> frozenset[str]:
    """Those that drain and have no calls left; no member of a gang has none as long as another has some."""
    draining = [row for row in rows if row.state in (ReplicaRowState.DRAINING, ReplicaRowState.PARKING)]
    found = {row.id for row in draining if drained(row.id)}
    held = {row.gang for row in draining if row.gang is not None and row.id not in found}
    return frozenset(row.id for row in draining if row.id in found and row.gang not in held)


def member(demand: Demand, spec: FunctionSpec, number: int) -> Demand:
    """The demand as that of the replica with this number, from 1, of those that its version lacks."""
    if spec.gang is None:
        return demand
    band, rank = divmod(number - 1, spec.gang)
    return replace(demand, gang=f"{spec.key}#{band + 1}", rank=rank, together=spec.together)


def startable(able: Sequence[Placement], plan: Plan, demands: Mapping[str, Demand]) -> list[Placement]:
    """Of those that could start now, the ones without a gang, and those whose gang can start as a whole; gangs by rank."""
    size = Counter(demands[each.demand].gang for each in plan.placements)
    ready = Counter(demands[each.demand].gang for each in able)
    found = [each for each in able if (gang := demands[each.demand].gang) is None or ready[gang] == size[gang]]
    return sorted(found, key=lambda each: (demands[each.demand].gang or "", demands[each.demand].rank, each.demand))
