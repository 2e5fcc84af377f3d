"""Who is where in a draft, as values; and a draft built from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cloudlayer.resources import Offer
from cloudlayer.scheduler.draft import Draft
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.spreading import even_out
from cloudlayer.scheduler.types import Demand, Machine


@dataclass(frozen=True, slots=True)
class Seat:
    """A replica's place on its machine."""

    id: str
    demand: Demand
    devices: tuple[int, ...]
    slices: tuple[int, ...] = ()

    @property
    def demand_with_id(self) -> Demand:
        """The demand of this very replica."""
        return replace(self.demand, id=self.id)


@dataclass(frozen=True, slots=True)
class Bought:
    """A machine that is bought: by what, as it is when nothing is on it, and who is on it, in the order they came."""

    offer: Offer
    machine: Machine
    seats: tuple[Seat, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Who is on the machines that existed before, by machine; and what is bought and used, in the order it was bought."""

    existing: Mapping[str, tuple[Seat, ...]]
    bought: tuple[Bought, ...]

    @classmethod
    def of(cls, draft: Draft) -> Layout:
        """The layout of a draft."""
        packing, bought = draft.packing, draft.purchases()
        placed = {placement.demand: placement for placement in packing.placements()}

        def seats(machine: str) -> tuple[Seat, ...]:
            found = ((placed[each], demand) for each, demand in packing.contents(machine).items())
            return tuple(Seat(each.demand, demand, each.devices, each.slices) for each, demand in found)

        return cls(
            {machine.id: seats(machine.id) for machine in draft.there()},
            tuple(Bought(each.offer, packing.without(each.id, packing.contents(each.id)), seats(each.id)) for each in bought),
        )

    def replaced(self, change: Callable[[Seat], Iterable[Seat]]) -> Layout:
        """The same machines with other seats for each seat."""

        def changed(seats: Iterable[Seat]) -> tuple[Seat, ...]:
            return tuple(new for seat in seats for new in change(seat))

        return Layout(
            {name: changed(seats) for name, seats in self.existing.items()},
            tuple(replace(each, seats=changed(each.seats)) for each in self.bought),
        )


def built(start: Draft, existing: Mapping[str, Sequence[Seat]], bought: Iterable[Bought]) -> Draft:
    """A draft like `start`, with these placements and purchases more."""
    draft = start.copy()
    for name, seats in existing.items():
        _put(draft.packing, name, seats)
    for each in bought:
        _put(draft.packing, draft.buy(each.offer, each.machine), each.seats)
    return draft


def crowding(packing: Packing) -> dict[str, int]:
    """How uneven each group with a `spread` is: the sum over its members of how many are on each one's machine or zone."""
    found: dict[str, int] = defaultdict(int)
    for _, demand, machine in packing.spread_demands():
        found[demand.group] += packing.crowd(demand, machine)
    return found


def as_even(draft: Draft, other: Draft) -> Draft | None:
    """The other one, evened out; None if a group with a `spread` is less even there than in `draft`."""
    even_out(other.packing)
    before = crowding(draft.packing)
    return other if all(crowded <= before[group] for group, crowded in crowding(other.packing).items()) else None


def _put(packing: Packing, machine: str, seats: Iterable[Seat]) -> None:
    for seat in seats:
        packing.put(seat.id, seat.demand, machine, seat.devices, seat.slices)
