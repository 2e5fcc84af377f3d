"""Machines while they are being filled: what is free of each, what this plan put there, and how crowded it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from cloudlayer.scheduler.fit import fit, occupy
from cloudlayer.scheduler.types import Demand, Machine, Placement


class Packing:
    """A mutable picture of machines. Everything in it follows from the machines it was given and the order of the calls."""

    def __init__(self, machines: Iterable[Machine]) -> None:
        self.machines: dict[str, Machine] = {}
        self._bases: dict[str, Machine] = {}
        self._contents: dict[str, dict[str, tuple[Demand, tuple[int, ...]]]] = {}
        self._crowd: Counter[tuple[str, str, str]] = Counter()
        for machine in sorted(machines, key=lambda each: each.id):
            self.add(machine)

    def add(self, machine: Machine) -> None:
        """One machine more, with what already runs on it."""
        self.machines[machine.id] = self._bases[machine.id] = machine
        self._contents[machine.id] = {}
        for group in machine.groups:
            self._count(group, machine, 1)

    def put(self, id: str, demand: Demand, machine: str, devices: tuple[int, ...]) -> None:
        """Place the replica `id` of `demand`; the caller has seen that it fits."""
        self.machines[machine] = occupy(self.machines[machine], demand, [devices])
        self._contents[machine][id] = (demand, devices)
        self._count(demand.group, self.machines[machine], 1)

    def move(self, id: str, source: str, target: str, devices: tuple[int, ...]) -> None:
        """Take the replica `id`, that this plan placed on `source`, to `target`."""
        demand, _ = self._contents[source].pop(id)
        self._count(demand.group, self._bases[source], -1)
        free = self._bases[source]
        for other, indices in self._contents[source].values():
            free = occupy(free, other, [indices])
        self.machines[source] = free
        self.put(id, demand, target, devices)

    def candidates(self, demand: Demand) -> list[tuple[str, tuple[int, ...]]]:
        """The machines that `demand` fits, with the devices it would get."""
        found = ((name, fit(demand, machine)) for name, machine in self.machines.items())
        return [(name, devices) for name, devices in found if devices is not None]

    def crowd(self, demand: Demand, machine: str) -> int:
        """How many of the demand's group are on the machine, or in its zone, whichever `spread` names; 0 without a `spread`."""
        return 0 if demand.spread is None else self._crowd[self._place(demand.spread, demand.group, self._bases[machine])]

    def crowd_in_zone(self, demand: Demand, zone: str) -> int:
        """How many of the demand's group are in `zone`; 0 for a demand that is not spread over zones."""
        return self._crowd["zone", demand.group, zone] if demand.spread == "zone" else 0

    def placements(self) -> tuple[Placement, ...]:
        """Everything that this plan placed, by demand."""
        placed = [
            Placement(replica, machine, devices)
            for machine, contents in self._contents.items()
            for replica, (_, devices) in contents.items()
        ]
        return tuple(sorted(placed, key=lambda placement: placement.demand))

    def disk_on(self, machine: str) -> int:
        """Bytes of disk that this plan's replicas take on the machine."""
        return sum(demand.disk for demand, _ in self._contents[machine].values())

    def spread_demands(self) -> list[tuple[str, Demand, str]]:
        """(replica, demand, machine) of everything that this plan placed and that has a `spread`, by id."""
        found = [
            (replica, demand, machine)
            for machine, contents in self._contents.items()
            for replica, (demand, _) in contents.items()
            if demand.spread is not None
        ]
        return sorted(found, key=lambda each: each[0])

    def _count(self, group: str, machine: Machine, change: int) -> None:
        for level in ("machine", "zone"):
            self._crowd[self._place(level, group, machine)] += change

    @staticmethod
    def _place(level: str, group: str, machine: Machine) -> tuple[str, str, str]:
        return level, group, machine.zone if level == "zone" else machine.id
