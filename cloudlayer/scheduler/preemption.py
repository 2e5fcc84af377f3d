"""Room by evictions, for demands that can neither be placed nor bought for.

Only residents of a strictly lower priority are evicted, gangs whole, and only where that makes room: one if one is enough, else
few, none of them in vain (the least dear first, or the largest first, whichever harms less); of those the lowest in priority,
then the youngest. One that is ending anyway costs nothing, so its room is waited for before another has to end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cloudlayer.scheduler import gangs
from cloudlayer.scheduler.devices import released
from cloudlayer.scheduler.draft import Draft, Evicted, Zone
from cloudlayer.scheduler.fit import fit, occupy, seats
from cloudlayer.scheduler.gangs import Unit
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.types import Demand, Eviction, Machine, Resident


@dataclass(frozen=True, slots=True)
class _Victim:
    """Residents that end together, with their machines: one, or all of a gang."""

    members: tuple[tuple[str, Resident], ...]

    @property
    def staying(self) -> list[Resident]:
        return [resident for _, resident in self.members if not resident.leaving]

    @property
    def rank(self) -> tuple[int, int, float, str]:
        """How dear it is: how many have to end that would not anyway, the highest priority of them, their age in seconds."""
        staying = self.staying
        priority = max((resident.demand.priority for resident in staying), default=0)
        return len(staying), priority, sum(resident.age for resident in staying), self.members[0][1].demand.id

    def yields_to(self, priority: int) -> bool:
        return all(resident.demand.priority < priority for resident in self.staying)


def make_room(draft: Draft, missing: Sequence[Unit]) -> tuple[Draft, list[Unit]]:
    """The draft with those for whom evictions make room, and the others."""
    still: list[Unit] = []
    hopeless: set[tuple[Demand, ...]] = set()
    clearing = _Clearing(draft.packing)
    for unit in missing:
        likeness = _alike(unit.members)  # where there was no room for one, there is none for another: there is only less
        found = None
        if likeness not in hopeless:  # what an earlier one had cleared may hold this one too
            found = (gangs.seated(draft, unit) if _yielded_to(draft, unit) else None) or _with_room(draft, unit, clearing)
        if found is None:
            hopeless.add(likeness)
            still.append(unit)
        else:
            draft = found
    return _restored(draft), still


def needed(draft: Draft) -> tuple[Eviction, ...]:
    """The evictions without which not all that is placed has room; of those that could stay, the dearest stay first."""
    machines = dict(draft.packing.machines)
    ending: list[Evicted] = []
    for victim in sorted(_victims(draft.evicted.values()), key=lambda each: each.rank, reverse=True):
        kept = _beside_all(victim, machines)
        if kept is None:
            ending += [draft.evicted[resident.demand.id] for _, resident in victim.members]
        else:
            machines.update(kept)
    told = [Eviction(each.resident.demand.id, each.machine, each.reason) for each in ending]
    return tuple(sorted(told, key=lambda each: each.replica))


def _restored(draft: Draft) -> Draft:
    """The draft with those back who were evicted for one, and for whom the evictions for another left room; the dearest first.

    That is done before those of a lower priority take the room.
    """
    draft = draft.copy()
    for victim in sorted(_victims(draft.evicted.values()), key=lambda each: each.rank, reverse=True):
        if _beside_all(victim, draft.packing.machines) is not None:
            for place, resident in victim.members:
                draft.packing.readmit(resident, place)
                del draft.evicted[resident.demand.id]
    return draft


def _yielded_to(draft: Draft, unit: Unit) -> bool:
    """Whether some are evicted, all of whom could have been for the unit's sake."""
    evicted = _victims(draft.evicted.values())
    return bool(evicted) and all(victim.yields_to(unit.first.priority) for victim in evicted)


class _Clearing:
    """What clearing a machine for a load takes, remembered for as long as nothing changes there."""

    def __init__(self, packing: Packing) -> None:
        self._known: dict[tuple[tuple[Demand, ...], str], tuple[Machine, list[_Victim]]] = {}
        self._gangs: dict[str, list[tuple[str, Resident]]] = defaultdict(list)
        for machine in packing.machines.values():
            for resident in machine.residents:
                if resident.demand.gang is not None:
                    self._gangs[resident.demand.gang].append((machine.id, resident))

    def fewest(self, packing: Packing, machine: Machine, load: Sequence[Demand]) -> list[_Victim]:
        """Victims without whom the machine holds `load`, none of them in vain; empty if there are none."""
        key = _alike(load), machine.id
        known = self._known.get(key)
        if known is None or known[0] is not machine:
            victims = [victim for victim in self._on(machine) if victim.yields_to(load[0].priority)]
            known = self._known[key] = machine, _fewest(packing, machine.id, load, victims) if victims else []
        return known[1]

    def _on(self, machine: Machine) -> list[_Victim]:
        alone = [((machine.id, each),) for each in machine.residents if each.demand.gang is None]
        bands = {each.demand.gang for each in machine.residents if each.demand.gang is not None}
        return [_Victim(members) for members in (*alone, *(tuple(self._gangs[band]) for band in sorted(bands)))]


def _alike(load: Iterable[Demand]) -> tuple[Demand, ...]:
    return tuple(replace(demand, id="", gang=None, rank=0) for demand in load)


def _victims(evicted: Iterable[Evicted]) -> list[_Victim]:
    """The evicted, by gang where they are of one."""
    found: dict[tuple[bool, str], list[tuple[str, Resident]]] = defaultdict(list)
    for each in evicted:
        demand = each.resident.demand
        found[demand.gang is not None, demand.gang or demand.id].append((each.machine, each.resident))
    return [_Victim(tuple(members)) for _, members in sorted(found.items())]


def _with_room(draft: Draft, unit: Unit, clearing: _Clearing) -> Draft | None:
    """A draft with the unit placed, on room made by evictions as far as it needs that; None where none can be made."""
    if unit.first.gang is None or unit.first.together == "machine":
        return _cleared(draft, unit.members, None, clearing)
    if unit.first.together is None:
        return _one_by_one(draft, unit, None, clearing)
    zones = sorted({(machine.region, machine.zone) for machine in draft.packing.machines.values()})
    found = [trial for zone in zones if (trial := _one_by_one(draft, unit, zone, clearing)) is not None]
    return min(found, key=lambda trial: len(trial.evicted) + len(trial.bought), default=None)


def _one_by_one(draft: Draft, unit: Unit, zone: Zone | None, clearing: _Clearing) -> Draft | None:
    trial = draft.copy()
    for member in unit.members:
        if trial.place([member], zone):
            cleared = _cleared(trial, [member], zone, clearing)
            if cleared is None:
                return None
            trial = cleared
    return trial


def _cleared(draft: Draft, load: Sequence[Demand], zone: Zone | None, clearing: _Clearing) -> Draft | None:
    """A draft with all of `load` on the one machine that is cleared for it with the least harm."""
    found = [
        (_harm(chosen), machine.id, chosen)
        for machine in draft.packing.machines.values()
        if (zone is None or (machine.region, machine.zone) == zone)
        and (chosen := clearing.fewest(draft.packing, machine, load))
    ]
    if not found:
        return None
    _, name, chosen = min(found, key=lambda each: each[:2])
    trial = draft.copy()
    reason = f"room for {load[0].group}, whose priority {load[0].priority} is higher"
    for place, resident in (member for victim in chosen for member in victim.members):
        trial.evicted[resident.demand.id] = Evicted(place, resident, reason)
        trial.packing.evict(resident, place)
    gangs.put(trial, load, name)
    return trial


def _fewest(packing: Packing, machine: str, load: Sequence[Demand], victims: Sequence[_Victim]) -> list[_Victim]:
    """One victim alone, if one is enough; else as many as it takes, the least dear first, and none without need."""
    leaving = sorted((victim for victim in victims if not victim.staying), key=lambda each: each.rank)
    staying = sorted((victim for victim in victims if victim.staying), key=lambda each: each.rank)
    if not _seats(packing, machine, load, victims):
        return []
    for chosen in ([], *([victim] for victim in staying)):
        if _seats(packing, machine, load, [*leaving, *chosen]):
            return _pruned(packing, machine, load, [*leaving, *chosen])
    largest = sorted(staying, key=lambda each: (*(-size for size in _size(each, machine)), each.rank))
    found = []
    for order in (staying, largest):
        number = next(each for each in range(2, len(order) + 1) if _seats(packing, machine, load, [*leaving, *order[:each]]))
        found.append(_pruned(packing, machine, load, [*leaving, *order[:number]]))
    return min(found, key=_harm)


def _size(victim: _Victim, machine: str) -> tuple[int, float, int]:
    """What it leaves on the machine: devices, cores, bytes."""
    demands = [resident.demand for place, resident in victim.members if place == machine]
    return (
        sum(demand.gpu_count for demand in demands),
        sum(demand.cpu for demand in demands),
        sum(demand.memory for demand in demands),
    )


def _pruned(packing: Packing, machine: str, load: Sequence[Demand], chosen: list[_Victim]) -> list[_Victim]:
    for victim in reversed(chosen):
        others = [each for each in chosen if each is not victim]
        if _seats(packing, machine, load, others):
            chosen = others
    return chosen


def _seats(packing: Packing, machine: str, load: Sequence[Demand], victims: Sequence[_Victim]) -> bool:
    ending = [resident for victim in victims for place, resident in victim.members if place == machine]
    return seats(load, packing.without(machine, residents=ending)) is not None


def _harm(chosen: Sequence[_Victim]) -> tuple[int, int, float]:
    """How many end that would not anyway, the highest priority of them, and their age."""
    ranks = [victim.rank for victim in chosen]
    return sum(rank[0] for rank in ranks), max(rank[1] for rank in ranks), sum(rank[2] for rank in ranks)


def _beside_all(victim: _Victim, machines: Mapping[str, Machine]) -> dict[str, Machine] | None:
    """The machines with the victim's members back on the very devices they have; None where there is no room for them."""
    found: dict[str, Machine] = {}
    for place, resident in victim.members:
        machine = found.get(place, machines[place])
        own = tuple(machine.devices[index] for index in resident.devices)
        after = occupy(machine, resident.demand, [resident.devices], [resident.slices])
        exact = released(after.devices, resident.demand, resident.devices, resident.slices) == machine.devices
        if not exact or fit(resident.demand, replace(machine, devices=own)) is None:
            return None
        found[place] = after
    return found
