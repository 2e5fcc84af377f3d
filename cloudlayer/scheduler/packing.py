"""Machines while they are being filled: what is free of each, what this plan put there, and how crowded it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import replace

from cloudlayer.scheduler.devices import first_slices
from cloudlayer.scheduler.fit import fit, occupy, release
from cloudlayer.scheduler.types import Demand, Machine, Placement, Resident

Content = tuple[Demand, tuple[int, ...], tuple[int, ...]]
"""A replica on a machine: its demand, its devices, and the first slices of its MIG instances there."""


class Packing:
    """A mutable picture of machines. Everything in it follows from the machines it was given and the order of the calls."""

    def __init__(self, machines: Iterable[Machine]) -> None:
        self.machines: dict[str, Machine] = {}
        self._bases: dict[str, Machine] = {}
        self._contents: dict[str, dict[str, Content]] = {}
        self._crowd: Counter[tuple[str, str, str]] = Counter()
        self._hidden: dict[str, Machine] = {}
        for machine in sorted(machines, key=lambda each: each.id):
            self.add(machine)

    def add(self, machine: Machine) -> None:
        """One machine more, with what already runs on it."""
        self.machines[machine.id] = self._bases[machine.id] = machine
        self._contents[machine.id] = {}
        for group in machine.groups:
            self._count(group, machine, 1)

    def put(self, id: str, demand: Demand, machine: str, devices: tuple[int, ...], slices: tuple[int, ...] = ()) -> None:
        """Place the replica `id` of `demand`; the caller has seen that it fits. Its MIG instances lie at `slices`, if given."""
        slices = slices or first_slices(demand, self.machines[machine].devices, devices)
        self.machines[machine] = occupy(self.machines[machine], demand, [devices], [slices])
        self._contents[machine][id] = (demand, devices, slices)
        self._count(demand.group, self.machines[machine], 1)

    def move(self, id: str, source: str, target: str, devices: tuple[int, ...]) -> None:
        """Take the replica `id`, that this plan placed on `source`, to `target`."""
        self.exchange([(id, source, target, devices)])

    def exchange(self, moves: Iterable[tuple[str, str, str, tuple[int, ...]]]) -> None:
        """Take replicas that this plan placed elsewhere, all at once: each is (id, source, target, devices)."""
        taken = [
            (name, self._contents[source].pop(name)[0], source, target, devices) for name, source, target, devices in moves
        ]
        for _, demand, source, _, _ in taken:
            self._count(demand.group, self._bases[source], -1)
        for source in {source for _, _, source, _, _ in taken}:
            self.machines[source] = self.without(source)
        for name, demand, _, target, devices in taken:
            self.put(name, demand, target, devices)

    def evict(self, resident: Resident, source: str) -> None:
        """Count a resident of the machine `source` as gone from it."""
        self._bases[source] = release(self._bases[source], resident)
        self._count(resident.demand.group, self._bases[source], -1)
        self.machines[source] = self.without(source)

    def readmit(self, resident: Resident, target: str) -> None:
        """Count a resident that was evicted from the machine `target` as there again; the caller has seen that it fits."""
        base = occupy(self._bases[target], resident.demand, [resident.devices], [resident.slices])
        self._bases[target] = replace(base, residents=(*base.residents, resident))
        self._count(resident.demand.group, self._bases[target], 1)
        self.machines[target] = self.without(target)

    def hide(self, machines: Iterable[str]) -> None:
        """Let nothing be placed on these machines until they are revealed."""
        for machine in machines:
            self._hidden[machine] = self.machines.pop(machine)

    def reveal(self) -> None:
        """Show all machines again, in their old order."""
        shown = self.machines | self._hidden
        self.machines = {machine: shown[machine] for machine in self._bases}
        self._hidden = {}

    def copy(self) -> Packing:
        """Another one that is as this one is now."""
        other = Packing(())
        other.machines, other._bases, other._crowd = dict(self.machines), dict(self._bases), self._crowd.copy()
        other._contents = {machine: dict(contents) for machine, contents in self._contents.items()}
        return other

    def candidates(self, demand: Demand) -> list[tuple[str, tuple[int, ...]]]:
        """The machines that `demand` fits, with the devices it would get."""
        found = ((name, fit(demand, machine)) for name, machine in self.machines.items())
        return [(name, devices) for name, devices in found if devices is not None]

    def crowd(self, demand: Demand, machine: str) -> int:
        """How many of the demand's group are on the machine, or in its zone, whichever `spread` names; 0 without a `spread`."""
        return (
            0 if demand.spread is None else self._crowd.get(self._place(demand.spread, demand.group, self._bases[machine]), 0)
        )

    def crowd_in_zone(self, demand: Demand, region: str, zone: str) -> int:
        """How many of the demand's group are in the `zone` of `region`; 0 for a demand that is not spread over zones."""
        return self._crowd["zone", demand.group, f"{region}/{zone}"] if demand.spread == "zone" else 0

    def placements(self) -> tuple[Placement, ...]:
        """Everything that this plan placed, by demand."""
        placed = [
            Placement(replica, machine, devices, slices)
            for machine, contents in self._contents.items()
            for replica, (_, devices, slices) in contents.items()
        ]
        return tuple(sorted(placed, key=lambda placement: placement.demand))

    def contents(self, machine: str) -> dict[str, Demand]:
        """What this plan placed on the machine, by replica."""
        return {replica: demand for replica, (demand, _, _) in self._contents[machine].items()}

    def without(self, machine: str, replicas: Container[str] = (), residents: Iterable[Resident] = ()) -> Machine:
        """What would be free of the machine if this plan had not placed the `replicas` there, and the `residents` had ended."""
        free = self._bases[machine]
        for resident in residents:
            free = release(free, resident)
        for other, (demand, indices, slices) in self._contents[machine].items():
            if other not in replicas:
                free = occupy(free, demand, [indices], [slices])
        return free

    def disk_on(self, machine: str) -> int:
        """Bytes of disk that this plan's replicas take on the machine."""
        return sum(demand.disk for demand, _, _ in self._contents[machine].values())

    def spread_demands(self) -> list[tuple[str, Demand, str]]:
        """(replica, demand, machine) of everything that this plan placed and that has a `spread`, by id."""
        found = [
            (replica, demand, machine)
            for machine, contents in self._contents.items()
            for replica, (demand, _, _) in contents.items()
            if demand.spread is not None
        ]
        return sorted(found, key=lambda each: each[0])

    def _count(self, group: str, machine: Machine, change: int) -> None:
        for level in ("machine", "zone"):
            self._crowd[self._place(level, group, machine)] += change

    @staticmethod
    def _place(level: str, group: str, machine: Machine) -> tuple[str, str, str]:
        # Two clouds, or two regions of one, may call their zones alike.
        return level, group, f"{machine.region}/{machine.zone}" if level == "zone" else machine.id
