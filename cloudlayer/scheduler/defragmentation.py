"""Room that is there, but in pieces: the few moves of running replicas that would make one piece of it.

Where a replica has no place and none can be bought, this says what would let it in. Nothing is moved by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cloudlayer.scheduler.fit import fit, occupy, release
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.sizes import DemandClass, Yardstick, classes
from cloudlayer.scheduler.types import Demand, Machine, Resident

MOST_MOVES: Final = 3
"""More than these are no small change of a fleet."""
TRIES: Final = 3000
"""A third of them each for one move, for two, and for as many as there may be; some 50 microseconds each."""
_WORTH: Final = 4
"""What the room is worth in moves to `repack`, whose first price of a move is 4: then one is all that it may cost."""


@dataclass(frozen=True, slots=True)
class Move:
    """A running replica of the version `group` that would go from the machine `source` to `target`, if only to other GPUs."""

    replica: str
    group: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class _Step:
    """A resident of a machine and where it would go."""

    resident: Resident
    source: str
    target: str


def room_by_moves(demand: Demand, machines: Sequence[Machine]) -> tuple[Move, ...]:
    """At most `MOST_MOVES` moves that make room for `demand`, none in vain, in an order in which each has room in its turn.

    That room is beside what still runs where it comes from, as a copy comes up before the other ends. Empty where nothing has
    to move, and where none are found: the search is bounded, and the same arguments give the same answer. Members of gangs
    stay, and so do replicas that are spread, kept apart, leaving or on MIG instances.
    """
    known = sorted(machines, key=lambda machine: machine.id)
    if demand.gang is not None or any(fit(demand, machine) is not None for machine in known):
        return ()
    steps = _found(demand, known)
    if not steps or (ordered := _in_turn(steps, demand, known)) is None:
        return ()
    for step in ordered:
        ordered = _in_turn([each for each in ordered if each is not step], demand, known) or ordered
    return tuple(Move(each.resident.demand.id, each.resident.demand.group, each.source, each.target) for each in ordered)


def _found(demand: Demand, machines: Sequence[Machine]) -> list[_Step]:
    """Who would be elsewhere if all moved at once. Only machines count that would hold `demand`, or now hold one of theirs."""
    import numpy as np

    from cloudlayer.scheduler.placing.repack import repack
    from cloudlayer.scheduler.placing.seating import Seating, movable

    homes = _homes(demand, machines)
    alike = movable(classes([replace(each.demand, priority=0) for each, _ in homes.values()], Yardstick.of(machines)))
    moving = {replica: homes[replica] for each in alike for replica in each.ids}
    sources = {source for _, source in moving.values()}
    near = [each for each in machines if each.id in sources or any(fit(one.demand, each) is not None for one in alike)]
    if not sources:
        return []
    waiting = DemandClass(replace(demand, id="", priority=0, spread=None), (demand.id,))
    seating = Seating.of([waiting, *alike], _packing(near, moving))
    if not seating.may_hold_more():
        return []
    values = np.array([_WORTH] + [0] * len(alike))
    after = repack(
        *(seating.shapes, seating.machines, seating.start, values), most_moved=MOST_MOVES, iterations=TRIES, fast=False
    )
    found = zip(alike, list(seating.seats(seating.start))[1:], list(seating.seats(after))[1:], strict=True)
    return [
        _Step(moving[replica][0], seating.names[source[0]], seating.names[target[0]])
        for each, before, later in found
        for replica, source, target in zip(each.ids, before, later, strict=True)
        if source is not None and target is not None and source != target
    ]


def _homes(demand: Demand, machines: Sequence[Machine]) -> dict[str, tuple[Resident, str]]:
    """Those that might move, with their machines: of machines that would hold `demand` without them."""
    found = {}
    for machine in machines:
        able = list(_able(machine, demand))
        if fit(demand, _emptied(machine, able)) is not None:
            found.update({resident.demand.id: (resident, machine.id) for resident in able})
    return found


def _able(machine: Machine, demand: Demand) -> Iterator[Resident]:
    """The residents that may move, as far as one alone tells: those that `demand` is kept apart from are not among them."""
    for resident in machine.residents:
        own = resident.demand
        apart = own.function in demand.apart or demand.function in own.apart
        if own.gang is None and not resident.leaving and not apart and fit(own, release(machine, resident)) is not None:
            yield resident


def _emptied(machine: Machine, residents: Iterable[Resident]) -> Machine:
    for resident in residents:
        machine = release(machine, resident)
    return machine


def _packing(machines: Sequence[Machine], moving: dict[str, tuple[Resident, str]]) -> Packing:
    """The machines with those that may move as if a plan had placed them."""
    packing = Packing(
        _emptied(machine, [each for each in machine.residents if each.demand.id in moving]) for machine in machines
    )
    for resident, home in moving.values():
        packing.put(resident.demand.id, resident.demand, home, resident.devices)
    return packing


def _in_turn(steps: Sequence[_Step], demand: Demand, machines: Sequence[Machine]) -> list[_Step] | None:
    """The steps one after another, each with room for both copies; None if some have none or `demand` has no room then."""
    now, left, done = {machine.id: machine for machine in machines}, list(steps), list[_Step]()
    while left:
        step = next((each for each in left if fit(each.resident.demand, now[each.target]) is not None), None)
        if step is None:
            return None
        devices = fit(step.resident.demand, now[step.target])
        now[step.target] = occupy(now[step.target], step.resident.demand, [devices or ()])
        now[step.source] = release(now[step.source], step.resident)
        left.remove(step)
        done.append(step)
    return done if any(fit(demand, machine) is not None for machine in now.values()) else None
