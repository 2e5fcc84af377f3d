"""A day of the Azure Functions trace as a fleet's load, and the bill of a fleet that carries it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.instance import read_catalog
from benchmarks.simulated_fleet import Fleet
from cloudlayer.resources import MachineType, Offer, Price
from cloudlayer.scheduler import BestFitDecreasing, Demand, Policy, Rules
from cloudlayer.scheduler.consolidation import Emptying, Terms, consolidate, examined
from cloudlayer.units import GIB, MIB

MINUTES = 1440
IDLE_MINUTES = 5
"""How long a replica is kept that is not needed: the default of a function's `scale.idle`."""
MACHINE_IDLE = 60.0
"""Seconds for which the reconciler keeps a machine that costs and has nothing to do."""
CPU = 0.25
"""Cores of one replica; the trace tells memory alone."""
LEAST_MEMORY = 128 * MIB
ANYTHING = Terms(least=1e-6, share=0.0, payback=1e12)
"""Whatever saves anything, ever."""

Rule = Callable[[Fleet, Policy], Emptying | None]
"""What to empty next."""


@dataclass(frozen=True)
class Load:
    """Functions with the replicas that each needs, minute by minute."""

    demands: tuple[Demand, ...]
    wanted: NDArray[np.int64]


@dataclass(frozen=True)
class Day:
    """What a day cost, in USD; how many machines there were on average and at most; and what consolidation did."""

    bill: float
    machines: float
    most_machines: int
    bought: int
    emptied: int
    moved: int


def read_load(folder: Path, factor: float) -> Load:
    """The load of the three files: invocations a minute, seconds of each, megabytes of each application.

    By Little's law a function has rate times duration calls in flight; those that last longer than a minute are spread over as
    many minutes as they last. One replica carries one call; `factor` multiplies all calls. Replicas are kept for
    `IDLE_MINUTES`, the one counted in which they were needed last.
    """
    durations = {row["HashFunction"]: float(row["Average"]) / 1000 for row in _rows(folder, "run")}
    memory = {row["HashApp"]: float(row["AverageAllocatedMb"]) for row in _rows(folder, "mem")}
    demands: list[Demand] = []
    wanted: list[NDArray[np.int64]] = []
    for row in _rows(folder, "inv"):
        seconds = durations[row["HashFunction"]]
        calls = np.array([float(row[f"minute_{minute}"]) for minute in range(1, MINUTES + 1)])
        lasting = max(1, ceil(seconds / 60))
        in_flight = np.convolve(calls, np.full(lasting, 1 / lasting))[:MINUTES] * seconds / 60 * factor
        needed = np.ceil(in_flight - 1e-9).astype(np.int64)
        kept = np.max(
            [np.concatenate([np.zeros(back, np.int64), needed[: MINUTES - back]]) for back in range(IDLE_MINUTES)], axis=0
        )
        name = f"f{len(demands)}"
        size = max(LEAST_MEMORY, int(memory[row["HashApp"]] * MIB))
        demands.append(Demand("", name, name, cpu=CPU, memory=size))
        wanted.append(kept)
    return Load(tuple(demands), np.array(wanted).T)


def cpu_offers(catalog: Path) -> list[Offer]:
    """The catalogue's machines without GPUs, on demand."""
    found = []
    for sale in read_catalog(catalog, spot=False):
        if not sale.devices:
            cloud, region, kind = sale.name.split("/")
            machine = MachineType(kind, sale.cpu, int(sale.memory * GIB), disk=100 * GIB)
            price = Price(sale.price, "USD", "catalogue", date(2026, 1, 1))
            found.append(Offer(cloud, region, f"{region}-a", machine, "on_demand", price))
    return found


def best_step(fleet: Fleet, policy: Policy, terms: Terms) -> Emptying | None:
    """What the scheduler would empty next."""
    return consolidate(fleet.machines(), fleet.offers(), fleet.rules, policy=policy, terms=terms)


def first_step(fleet: Fleet, policy: Policy) -> Emptying | None:
    """The first machine, those with the fewest replicas first, without which the bill is lower at all."""
    machines, offers, rules = fleet.machines(), fleet.offers(), fleet.rules
    for machine in sorted(machines, key=lambda each: (len(each.residents), each.id)):
        found = examined(machine, machines, offers, rules, policy=policy, terms=ANYTHING)
        if isinstance(found, Emptying):
            return found
    return None


def day(load: Load, offers: Sequence[Offer], rule: Rule | None, every: int) -> Day:
    """Carry the load for a day; with a `rule`, look every so many minutes for something to empty.

    As in the reconciler, it is looked for only when no machine was bought or deleted since a minute, an emptied machine is paid
    for until a minute after its replicas have moved, and so is any other that has nothing to do.
    """
    rules = Rules(engines={f"{offer.provider}:{offer.region}": ("process",) for offer in offers})
    carrier = _Carrier(Fleet(offers, rules), load)
    paid, counts, changed = 0.0, [], 0
    for minute in range(MINUTES):
        carrier.fleet.now = 60.0 * minute
        bought, gone = carrier.scale(minute), carrier.fleet.delete_empty(MACHINE_IDLE)
        changed = minute if bought or gone else changed
        if rule is not None and minute % every == 0 and minute - changed >= 1:
            carrier.consolidate(rule)
        paid += carrier.fleet.spent() / 60
        counts.append(len(carrier.fleet.sites))
    fleet = carrier.fleet
    return Day(
        bill=round(paid, 4),
        machines=round(float(np.mean(counts)), 2),
        most_machines=max(counts),
        bought=carrier.bought,
        emptied=fleet.emptied,
        moved=fleet.moved,
    )


class _Carrier:
    """A fleet that follows the load."""

    def __init__(self, fleet: Fleet, load: Load) -> None:
        self.fleet = fleet
        self.bought = 0
        self._load = load
        self._policy = BestFitDecreasing()
        self._replicas: list[list[str]] = [[] for _ in load.demands]
        self._number = 0

    def scale(self, minute: int) -> int:
        """End what is not wanted any more, newest first, and start what lacks; how many machines were bought."""
        lacking: dict[str, Demand] = {}
        gone: list[str] = []
        for demand, replicas, wanted in zip(
            self._load.demands, self._replicas, self._load.wanted[minute].tolist(), strict=True
        ):
            gone += replicas[wanted:]
            del replicas[wanted:]
            for _ in range(wanted - len(replicas)):
                self._number += 1
                replicas.append(f"r{self._number:07}")
                lacking[replicas[-1]] = replace(demand, id=replicas[-1])
        self.fleet.end(gone)
        return self._start(lacking) if lacking else 0

    def _start(self, lacking: Mapping[str, Demand]) -> int:
        fleet = self.fleet
        plan = self._policy.plan(list(lacking.values()), fleet.machines(), fleet.offers(), fleet.rules)
        assert not plan.unplaced
        fleet.carry_out(plan, lacking)
        self.bought += len(plan.purchases)
        return len(plan.purchases)

    def consolidate(self, rule: Rule) -> None:
        """Take one step, if one is worth it."""
        found = rule(self.fleet, self._policy)
        if found is not None:
            self.bought += len(found.plan.purchases)
            self.fleet.empty(found)


def _rows(folder: Path, what: str) -> list[dict[str, str]]:
    with next(iter(sorted(folder.glob(f"*_{what}.csv")))).open(newline="") as file:
        return list(csv.DictReader(file))
