"""Gangs: demands that are placed all or none.

Where a gang may be parted, its members are placed beside all other demands, and those gangs that came out incomplete are
taken back and tried again whole. One that stays on one machine or in one zone is placed before the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cloudlayer.scheduler.admission import cost
from cloudlayer.scheduler.draft import Draft, zone_of
from cloudlayer.scheduler.fit import seats
from cloudlayer.scheduler.sizes import Yardstick
from cloudlayer.scheduler.types import Demand

_STRICTNESS: Final = {None: 0, "zone": 1, "machine": 2}


@dataclass(frozen=True, slots=True)
class Unit:
    """Demands that are placed all or none, by rank: the members of a gang, or one demand alone."""

    members: tuple[Demand, ...]

    @property
    def first(self) -> Demand:
        """The one that stands for all: priority, gang and `together` are the same for each."""
        return self.members[0]


def uniform(demands: Iterable[Demand]) -> list[Demand]:
    """The demands; members of one gang all with the highest priority and the strictest `together` among them."""
    found = []
    for unit in units(demands):
        priority = max(member.priority for member in unit.members)
        together = max((member.together for member in unit.members), key=_STRICTNESS.__getitem__)
        found += [
            replace(member, priority=priority, together=together if member.gang is not None else None)
            for member in unit.members
        ]
    return found


def units(demands: Iterable[Demand]) -> list[Unit]:
    """The demands by gang, by their smallest id."""
    found: dict[tuple[str, str], list[Demand]] = defaultdict(list)
    for demand in demands:
        found["demand" if demand.gang is None else "gang", demand.id if demand.gang is None else demand.gang].append(demand)
    every = [Unit(tuple(sorted(members, key=lambda each: (each.rank, each.id)))) for members in found.values()]
    return sorted(every, key=lambda unit: min(member.id for member in unit.members))


def place(draft: Draft, demands: Sequence[Demand]) -> tuple[Draft, list[Unit]]:
    """The draft with all that find a place, and the others. Gangs come in it whole or not at all."""
    gangs = sorted(
        (unit for unit in units(demands) if unit.first.gang is not None), key=lambda each: _size(each, draft.yardstick)
    )
    draft, missing = _seat_all(draft, [gang for gang in gangs if gang.first.together])
    whole, broken = [gang for gang in gangs if not gang.first.together], list[Unit]()
    alone = [demand for demand in demands if demand.gang is None]
    while True:
        trial = draft.copy() if whole else draft
        left = {demand.id for demand in trial.place([*alone, *(member for gang in whole for member in gang.members)])}
        apart = [gang for gang in whole if any(member.id in left for member in gang.members)]
        if not apart:
            break
        broken += apart
        whole = [gang for gang in whole if gang not in apart]
    trial, still = _seat_all(trial, sorted(broken, key=lambda each: _size(each, draft.yardstick)))
    return trial, [*missing, *still, *(Unit((demand,)) for demand in alone if demand.id in left)]


def seated(draft: Draft, unit: Unit) -> Draft | None:
    """A draft with all of the unit placed; None where not all of it finds a place."""
    if unit.first.together == "machine":
        return _on_one_machine(draft, unit)
    if unit.first.together == "zone":
        return _in_one_zone(draft, unit)
    trial = draft.copy()
    return None if trial.place(unit.members) else trial


def _seat_all(draft: Draft, gangs: Iterable[Unit]) -> tuple[Draft, list[Unit]]:
    """One gang after another. Of gangs that are alike, none is tried after one that found no place: there is only less room."""
    missing: list[Unit] = []
    hopeless: set[tuple[Demand, ...]] = set()
    for gang in gangs:
        likeness = tuple(replace(member, id="", gang="") for member in gang.members)
        found = None if likeness in hopeless else seated(draft, gang)
        if found is None:
            hopeless.add(likeness)
            missing.append(gang)
        else:
            draft = found
    return draft, missing


def _on_one_machine(draft: Draft, gang: Unit) -> Draft | None:
    """The fullest machine that holds all; else the cheapest that does is bought."""
    members = _largest_first(gang, draft.yardstick)
    trial = draft.copy()
    machines = draft.packing.machines.items()
    holding = [(draft.yardstick.machine(each), name) for name, each in machines if seats(members, each) is not None]
    if holding:
        name = min(holding)[1]
    else:
        forms = [form for form in draft.on_sale(members) if seats(members, form.machine) is not None]
        sold = [(*form.offers[0], form.machine) for form in forms]
        if not sold:
            return None
        _, offer, machine = min(sold, key=lambda each: (each[0], draft.yardstick.machine(each[2]), each[1].id))
        name = trial.buy(offer, machine)
    put(trial, members, name)
    return trial


def put(draft: Draft, members: Sequence[Demand], machine: str) -> None:
    """Place them on the machine, which the caller has seen to hold them all."""
    for member, devices in zip(members, seats(members, draft.packing.machines[machine]) or (), strict=True):
        draft.packing.put(member.id, member, machine, devices)


def _in_one_zone(draft: Draft, gang: Unit) -> Draft | None:
    """In the zone where it costs the least more; ties go to the first by name."""
    zones = {(machine.region, machine.zone) for machine in draft.packing.machines.values()}
    zones |= {zone_of(offer) for offer in draft.offers}
    best, least = None, None
    for zone in sorted(zones):
        trial = draft.copy()
        if trial.place(gang.members, zone):
            continue
        if len(trial.bought) == len(draft.bought):
            return trial
        price = sorted(cost(offer, draft.rules) for name, offer in trial.bought.items() if name not in draft.bought)
        rank = (price[-1].tier, sum(each.amount for each in price), len(price))
        if least is None or rank < least:
            best, least = trial, rank
    return best


def _largest_first(unit: Unit, yardstick: Yardstick) -> list[Demand]:
    return sorted(unit.members, key=lambda each: (*(-size for size in yardstick.demand(each)), each.rank, each.id))


def _size(gang: Unit, yardstick: Yardstick) -> tuple[float, float, str]:
    """What gangs are ordered by, the largest first."""
    sizes = [yardstick.demand(member) for member in gang.members]
    return -sum(gpus for gpus, _ in sizes), -sum(share for _, share in sizes), min(member.id for member in gang.members)
