"""A fleet without clouds: machines with their replicas, on which plans and emptyings are carried out at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from cloudlayer.resources import Offer
from cloudlayer.scheduler import Demand, Machine, Plan, Resident, Rules
from cloudlayer.scheduler.admission import new_machine
from cloudlayer.scheduler.consolidation import Emptying, price_of
from cloudlayer.scheduler.fit import SYSTEM_DISK, occupy

Place = tuple[Demand, tuple[int, ...], float]
"""A replica's demand, its devices, and when it came up, in seconds."""


@dataclass
class Site:
    """A machine: what it was bought by, with how much disk, and its replicas by id. `empty_since` is None while it has some."""

    offer: Offer
    disk: int
    replicas: dict[str, Place] = field(default_factory=dict)
    empty_since: float | None = None


class Fleet:
    """Machines by name. `moved` counts the replicas that emptyings moved; `now` is in seconds."""

    def __init__(self, offers: Sequence[Offer], rules: Rules) -> None:
        self.sites: dict[str, Site] = {}
        self.now = 0.0
        self.moved = 0
        self.emptied = 0
        self._offers = offers
        self._rules = rules
        self._names = (f"m{number}" for number in count(1))

    @property
    def rules(self) -> Rules:
        """The rules with what is spent now."""
        return replace(self._rules, spent=sum(price_of(site.offer, self._rules) or 0.0 for site in self.sites.values()))

    def bill(self) -> float:
        """What the machines with replicas cost per hour."""
        return sum(price_of(site.offer, self._rules) or 0.0 for site in self.sites.values() if site.replicas)

    def spent(self) -> float:
        """What all machines cost per hour."""
        return self.rules.spent

    def offers(self) -> list[Offer]:
        """What is on sale, less what this fleet has of it."""
        held = [site.offer.id for site in self.sites.values()]
        return [
            offer if offer.available is None else replace(offer, available=max(0, offer.available - held.count(offer.id)))
            for offer in self._offers
        ]

    def machines(self) -> list[Machine]:
        """The machines as the scheduler sees them."""
        return [self._machine(name, site) for name, site in self.sites.items()]

    def _machine(self, name: str, site: Site) -> Machine:
        free = replace(new_machine(site.offer, self._rules), id=name)
        if site.offer.machine_type.disk is None:
            free = replace(free, disk=site.disk - SYSTEM_DISK)
        for demand, devices, _ in site.replicas.values():
            free = occupy(free, demand, [devices])
        residents = [
            Resident(replace(demand, id=replica), devices, self.now - born)
            for replica, (demand, devices, born) in site.replicas.items()
        ]
        return replace(free, residents=tuple(residents), offer=site.offer)

    def buy(self, offer: Offer, disk: int) -> str:
        """One machine more; its name is returned."""
        name = next(self._names)
        self.sites[name] = Site(offer, disk, empty_since=self.now)
        return name

    def put(self, replica: str, demand: Demand, machine: str, devices: tuple[int, ...]) -> None:
        """A replica comes up on a machine."""
        self.sites[machine].replicas[replica] = (demand, devices, self.now)
        self.sites[machine].empty_since = None

    def carry_out(self, plan: Plan, demands: Mapping[str, Demand]) -> None:
        """Buy what the plan buys, and put everything where it says."""
        names = {bought.id: self.buy(bought.offer, bought.disk) for bought in plan.purchases}
        for placement in plan.placements:
            machine = names.get(placement.machine, placement.machine)
            self.put(placement.demand, demands[placement.demand], machine, placement.devices)

    def end(self, ids: Iterable[str]) -> None:
        """Replicas end."""
        gone = set(ids)
        for site in self.sites.values():
            for replica in gone & site.replicas.keys():
                del site.replicas[replica]
            if not site.replicas and site.empty_since is None:
                site.empty_since = self.now

    def empty(self, emptying: Emptying) -> None:
        """Move the replicas of some machines to where the plan says; the machines are left with nothing on them."""
        moving = {
            replica: demand for name in emptying.machines for replica, (demand, _, _) in self.sites[name].replicas.items()
        }
        assert moving.keys() == {placement.demand for placement in emptying.plan.placements}
        self.end(moving)
        self.carry_out(emptying.plan, moving)
        self.moved += len(moving)
        self.emptied += len(emptying.machines)

    def delete_empty(self, seconds: float) -> int:
        """Delete the machines that have had no replica for that long; how many these were."""
        gone = [
            name for name, site in self.sites.items() if site.empty_since is not None and self.now - site.empty_since >= seconds
        ]
        for name in gone:
            del self.sites[name]
        return len(gone)
