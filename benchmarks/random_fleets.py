"""Random fleets, and what consolidation makes of one whose load does not change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from benchmarks.simulated_fleet import Fleet
from cloudlayer.resources import Accelerator, MachineType, Offer, Price, Purchase
from cloudlayer.scheduler import BestFitDecreasing, Demand, Rules
from cloudlayer.scheduler.consolidation import Terms, consolidate
from cloudlayer.scheduler.fit import disk_to_buy, fit
from cloudlayer.units import GIB

OLD = 1e6
"""Seconds for which the replicas of a random fleet have run."""
LIMIT = 1000
"""Steps after which a fleet counts as one that comes to no rest."""
_ENGINES = ("process",)


@dataclass(frozen=True)
class Course:
    """How a fleet fared: the bill before each step and at the end, replicas moved, and how often a state came again."""

    bills: tuple[float, ...]
    moved: int
    repeated: int
    at_rest: bool

    @property
    def rose(self) -> bool:
        """Whether the bill ever rose, or a step left it as it was."""
        return any(after >= before for before, after in zip(self.bills, self.bills[1:], strict=False))


def random_fleet(seed: int) -> tuple[Fleet, list[Offer]]:
    """A fleet of 2 to 9 machines, each bought at random and filled at random with replicas of 1 to 5 versions."""
    generator = np.random.default_rng(seed)
    offers = [_offer(generator, number) for number in range(int(generator.integers(3, 9)))]
    rules = Rules(engines={"cloud:east": _ENGINES})
    fleet = Fleet(offers, rules)
    versions = [_version(generator, number) for number in range(int(generator.integers(1, 6)))]
    numbers: Iterator[int] = iter(range(1_000_000))
    for _ in range(int(generator.integers(2, 10))):
        open_offers = [offer for offer in fleet.offers() if offer.available != 0]
        offer = open_offers[int(generator.integers(len(open_offers)))]
        name = fleet.buy(offer, disk_to_buy(offer, 0))
        for _ in range(int(generator.integers(0, 7))):
            demand = replace(versions[int(generator.integers(len(versions)))], id=f"r{next(numbers)}")
            machine = next(each for each in fleet.machines() if each.id == name)
            devices = fit(demand, machine)
            if devices is not None:
                fleet.put(demand.id, demand, name, devices)
    fleet.delete_empty(0.0)
    fleet.now = OLD
    return fleet, offers


def course(fleet: Fleet, terms: Terms) -> Course:
    """Let a fleet consolidate until it rests."""
    policy = BestFitDecreasing()
    bills, seen, repeated = [fleet.bill()], {_state(fleet)}, 0
    for _ in range(LIMIT):
        found = consolidate(fleet.machines(), fleet.offers(), fleet.rules, policy=policy, terms=terms)
        if found is None:
            return Course(tuple(bills), fleet.moved, repeated, True)
        fleet.empty(found)
        fleet.delete_empty(0.0)
        fleet.now += OLD
        bills.append(fleet.bill())
        repeated += _state(fleet) in seen
        seen.add(_state(fleet))
    return Course(tuple(bills), fleet.moved, repeated, False)


def _state(fleet: Fleet) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The machines by their offers and what runs on each, whatever their names."""
    return tuple(
        sorted(
            (site.offer.id, tuple(sorted(demand.group for demand, _, _ in site.replicas.values())))
            for site in fleet.sites.values()
        )
    )


def _offer(generator: np.random.Generator, number: int) -> Offer:
    cpu = int(generator.choice([1, 2, 4, 8, 16]))
    memory = cpu * int(generator.choice([2, 4, 8]))
    gpus = [] if generator.random() < 0.6 else [Accelerator("L4", 24 * GIB)] * int(generator.choice([1, 2, 4]))
    price = (0.04 * cpu + 0.004 * memory + 0.6 * len(gpus)) * float(generator.uniform(0.5, 2.0))
    amount = 0.0 if generator.random() < 0.05 else round(price, 4)
    known = None if generator.random() < 0.05 else Price(amount, "USD", "random", date(2026, 1, 1))
    disk = None if generator.random() < 0.5 else 100 * GIB
    kind = MachineType(f"t{number}", float(cpu), memory * GIB, accelerators=tuple(gpus), disk=disk)
    purchase: Purchase = "spot" if generator.random() < 0.2 else "on_demand"
    available = int(generator.integers(1, 4)) if number and generator.random() < 0.2 else None
    return Offer("cloud", "east", str(generator.choice(["a", "b"])), kind, purchase, known, available)


def _version(generator: np.random.Generator, number: int) -> Demand:
    gpus = int(generator.choice([0, 0, 0, 1]))
    spread = generator.choice(np.array([None, None, None, "machine", "zone"], dtype=object))
    return Demand(
        id="",
        group=f"v{number}",
        function=f"f{number}",
        cpu=float(generator.choice([0.25, 0.5, 1.0, 2.0])),
        memory=int(generator.choice([1, 2, 4])) * GIB,
        disk=int(generator.choice([0, 1, 2])) * GIB,
        gpu_count=gpus,
        gpu_memory=None if not gpus or generator.random() < 0.3 else int(generator.choice([6, 11])) * GIB,
        spread=spread,
        apart=frozenset({f"f{number}"}) if generator.random() < 0.1 else frozenset(),
    )
