"""Why each replica is where a plan puts it: what holds in the plan as it stands, however it was found.

A replica on a machine that exists is compared with the other machines that would have room for it, and one that is on a new
machine with the other offers that would hold all that the machine holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from cloudlayer.resources import Offer
from cloudlayer.scheduler.bargains import Bargain, Bargains
from cloudlayer.scheduler.devices import choose_devices, left
from cloudlayer.scheduler.explain import Excluded, counted
from cloudlayer.scheduler.fit import Constraint, misfits, release
from cloudlayer.scheduler.outcome import Outcome, Tenant
from cloudlayer.scheduler.sizes import Yardstick
from cloudlayer.scheduler.types import Demand, Machine


class Ground(StrEnum):
    """What tells a machine from those that exist and have room: the first of these that holds."""

    ONLY = "only"
    GANG = "gang"
    SPREAD = "spread"
    CALLS = "calls"
    GPUS = "gpus"
    FULLEST = "fullest"
    NONE = "none"


class Distance(StrEnum):
    """How far a call goes."""

    MACHINE = "machine"
    ZONE = "zone"
    REGION = "region"
    WORLD = "world"


_ORDER: Final = tuple(Distance)


@dataclass(frozen=True, slots=True)
class Partner:
    """A function that calls, or is called by, a replica's; `distance` is to its nearest replica, None where it has none."""

    function: str
    calls: bool
    distance: Distance | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Why one replica is on its machine, as the plan leaves it.

    `others` is how many other machines there are, of which `fitting` have room for it too, and `excluded` counts what keeps it
    from the rest. `ground` tells its machine from those that have room; `bargain` tells of one that is bought. `beside` is what
    else is on its machine, by group.
    """

    demand: str
    group: str
    machine: str
    bought: bool
    offer: Offer | None
    others: int
    fitting: int
    excluded: tuple[Excluded, ...] = ()
    ground: Ground = Ground.NONE
    beside: tuple[tuple[str, int], ...] = ()
    partners: tuple[Partner, ...] = ()
    gang: str | None = None
    bargain: Bargain | None = None


@dataclass(frozen=True, slots=True)
class _Field:
    """The machines that exist, as they are for one more replica of a kind.

    `room` are the ids of those that have room; `crowds`, `idle` and `sizes` give each of them with, in this order, how many of
    its group are there, the bytes of GPUs that it would leave idle or take from, and how much is free, the least first.
    `misfits` are the others, with what keeps it from them; `counts` sums that up.
    """

    room: frozenset[str]
    crowds: tuple[tuple[float, str], ...]
    idle: tuple[tuple[float, str], ...]
    sizes: tuple[tuple[float, str], ...]
    misfits: dict[str, tuple[Constraint, ...]]
    counts: Counter[Constraint]


class Chooser:
    """Tells why the replicas of one outcome are where they are; what is the same for many is worked out once."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._yardstick = Yardstick.of(outcome.packing.machines.values())
        self.bargains = Bargains(outcome)
        self._existing = frozenset(outcome.existing)
        self._fields: dict[Demand, _Field] = {}
        self._sites = _sites(outcome)

    def choices(self) -> list[Choice]:
        """Of all that the plan places, by id."""
        return [self.choice(placement.demand, placement.machine) for placement in self._outcome.plan.placements]

    def choice(self, replica: str, machine: str) -> Choice:
        """Of one replica, which is on the machine."""
        outcome, tenants = self._outcome, self._outcome.tenants[machine]
        tenant = tenants[replica]
        field = self._field(tenant.demand)
        return Choice(
            demand=replica,
            group=tenant.demand.group,
            machine=machine,
            bought=machine in outcome.bought,
            offer=outcome.packing.machines[machine].offer,
            others=len(self._existing - {machine}),
            fitting=len(field.room - {machine}),
            excluded=counted((field.counts - Counter(field.misfits.get(machine, ()))).elements()),
            ground=self._ground(tenant, field),
            beside=tuple(sorted(Counter(one.demand.group for one in tenants.values() if one is not tenant).items())),
            partners=tuple(self._partners(tenant)),
            gang=tenant.demand.gang,
            bargain=self.bargains.of(machine, tenant) if machine in outcome.bought else None,
        )

    def _field(self, demand: Demand) -> _Field:
        alike = replace(demand, id="", rank=0)
        if alike not in self._fields:
            found = {machine.id: (machine, tuple(misfits(demand, machine))) for machine in self._outcome.there()}
            room = [machine for machine, reasons in found.values() if not reasons]
            self._fields[alike] = _Field(
                room=frozenset(machine.id for machine in room),
                crowds=tuple(sorted((self._outcome.packing.crowd(demand, machine.id), machine.id) for machine in room)),
                idle=tuple(sorted((_idle(demand, machine), machine.id) for machine in room)),
                sizes=tuple(sorted((self._yardstick.machine(machine), machine.id) for machine in room)),
                misfits={name: reasons for name, (_, reasons) in found.items()},
                counts=Counter(reason for _, reasons in found.values() for reason in reasons),
            )
        return self._fields[alike]

    def _ground(self, tenant: Tenant, field: _Field) -> Ground:
        if not field.room - {tenant.machine}:
            return Ground.ONLY
        tests = [
            (Ground.GANG, self._with_gang),
            (Ground.SPREAD, self._is_spread),
            (Ground.CALLS, self._is_beside_a_partner),
        ]
        if tenant.machine in self._existing:  # one that is yet to be bought is no better for being full
            tests += [(Ground.GPUS, self._spares_gpus), (Ground.FULLEST, self._is_fullest)]
        return next((ground for ground, holds in tests if holds(tenant, field)), Ground.NONE)

    def _with_gang(self, tenant: Tenant, _field: _Field) -> bool:
        demand = tenant.demand
        if demand.gang is None or demand.together is None:
            return False
        return any(
            one.demand.gang == demand.gang for one in self._outcome.tenants[tenant.machine].values() if one is not tenant
        )

    def _is_spread(self, tenant: Tenant, field: _Field) -> bool:
        """Whether its group is fewer here than on others, and on none fewer."""
        if tenant.demand.spread is None:
            return False
        here = self._outcome.packing.crowd(tenant.demand, tenant.machine) - 1
        return here <= _first(field.crowds, tenant.machine) and here < _first(field.crowds[::-1], tenant.machine)

    def _is_beside_a_partner(self, tenant: Tenant, _field: _Field) -> bool:
        return any(partner.distance is Distance.MACHINE for partner in self._partners(tenant))

    def _spares_gpus(self, tenant: Tenant, field: _Field) -> bool:
        return _idle(tenant.demand, self._without(tenant)) < _first(field.idle, tenant.machine)

    def _is_fullest(self, tenant: Tenant, field: _Field) -> bool:
        return self._yardstick.machine(self._without(tenant)) <= _first(field.sizes, tenant.machine)

    def _without(self, tenant: Tenant) -> Machine:
        """What would be free of its machine if it were not there."""
        if tenant.fresh:
            return self._outcome.packing.without(tenant.machine, (tenant.demand.id,))
        machine = self._outcome.packing.machines[tenant.machine]
        resident = next((one for one in machine.residents if one.demand.id == tenant.demand.id), None)
        return machine if resident is None else release(machine, resident)

    def _partners(self, tenant: Tenant) -> Iterator[Partner]:
        """Each function that calls it or is called by it, by name; callees first."""
        function = tenant.demand.function
        callees = {call.callee for call in self._outcome.rules.traffic if call.caller == function} - {function}
        callers = {call.caller for call in self._outcome.rules.traffic if call.callee == function} - {function}
        for names, calls in ((callees, True), (callers, False)):
            for name in sorted(names):
                distances = [distance(self._outcome, tenant.machine, site) for site in self._sites.get(name, ())]
                yield Partner(name, calls, min(distances, key=_ORDER.index, default=None))


def _first(ranked: Sequence[tuple[float, str]], but: str) -> float:
    """The first value that is not of the machine `but`; there is one."""
    return next(value for value, name in ranked if name != but)


def _idle(demand: Demand, machine: Machine) -> int:
    """Bytes left of the devices that it would take, or of all that it would stand beside without using them."""
    chosen = choose_devices(demand, machine.devices) if demand.gpu_count else range(len(machine.devices))
    return sum(left(machine.devices[index]) for index in chosen or ())


def distance(outcome: Outcome, machine: str, other: str) -> Distance:
    """How far a call between the two machines goes."""
    here, there = outcome.packing.machines[machine], outcome.packing.machines[other]
    if machine == other:
        return Distance.MACHINE
    if here.region != there.region:
        return Distance.WORLD
    return Distance.ZONE if here.zone == there.zone else Distance.REGION


def _sites(outcome: Outcome) -> dict[str, list[str]]:
    """The machines that each function is on."""
    found: dict[str, set[str]] = {}
    for machine, tenants in outcome.tenants.items():
        for tenant in tenants.values():
            found.setdefault(tenant.demand.function, set()).add(machine)
    return {function: sorted(machines) for function, machines in found.items()}
