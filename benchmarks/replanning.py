"""What is bought that the machines there would hold: `python -m benchmarks.replanning --catalog C.csv [--json]`.

Catalogue: columns as in benchmarks.buying; on demand alone. A case is a number of replicas, 30, 100 or 300, of 2 to 12 drawn
versions (seeds 0, 1, ...): 0.25 to 4 cores, 1 to 16 GiB, two of five with a share of a GPU's memory or whole GPUs.

`booting`: a fleet is bought for the replicas, and planned again while its machines boot and nothing runs on them yet, as a
reconciler does: whatever is bought then is bought for nothing. `churn`: the replicas run, 35 of 100 end, and 40 for each 100
come, half of them like those that were there. In both, plans are made by `best_fit` alone and by `ours`, where best fit that
leaves some out is followed by a search (scheduler.placing.rearranging), over the same cases in turn. Each has what all second
plans `bought` (USD per hour), in how many `cases` any machine, and the `cpu_s` of a plan (mean); `first` is what the fleets
cost before. `dearer` counts the cases in which `ours` buys for more than `best_fit`. Every plan places all or the run ends.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np

from benchmarks.instance import read_catalog
from benchmarks.simulated_fleet import Fleet
from cloudlayer.resources import Accelerator, MachineType, Offer, Price
from cloudlayer.scheduler import BestFitDecreasing, Demand, Machine, Plan, Rules
from cloudlayer.scheduler.admission import cost
from cloudlayer.scheduler.fit import region_of
from cloudlayer.scheduler.placing import existing
from cloudlayer.scheduler.placing.rearranging import rearranged
from cloudlayer.units import GIB

SIZES: Final = (30, 100, 300)
WAYS: Final = {"best_fit": lambda wanted, rest, packing: rest, "ours": rearranged}
"""What becomes of those that best fit leaves out."""

Case = tuple[list[Demand], list[Machine]]
"""What has no place yet, and the machines there are."""


def read_offers(catalog: Path) -> list[Offer]:
    """The catalogue as the scheduler has it."""
    found = []
    for sale in read_catalog(catalog, spot=False):
        cloud, region, kind = sale.name.split("/")
        cards = (Accelerator(sale.model, int(sale.device_memory * GIB)),) * sale.devices
        machine = MachineType(kind, sale.cpu, int(sale.memory * GIB), accelerators=cards)
        price = Price(sale.price, "USD", "catalogue", date(2026, 1, 1))
        found.append(Offer(cloud, region, f"{region}-a", machine, "on_demand", price))
    return found


def drawn(generator: np.random.Generator, count: int, name: str) -> list[Demand]:
    """So many replicas, whose ids begin with `name`, as their versions do."""
    versions = [_version(generator, f"{name}{number}") for number in range(int(generator.integers(2, 13)))]
    chosen = generator.choice(len(versions), count, p=generator.dirichlet(np.ones(len(versions))))
    return [replace(versions[int(version)], id=f"{name}{number:04}") for number, version in enumerate(chosen)]


def _version(generator: np.random.Generator, name: str) -> Demand:
    cpu, memory = float(generator.choice([0.25, 0.5, 1, 1.5, 2, 3, 4])), int(generator.choice([1, 2, 3, 4, 6, 8, 16])) * GIB
    plain = Demand("", name, name, cpu, memory)
    if generator.random() >= 0.4:
        return plain
    if generator.random() < 0.7:
        return replace(plain, gpu_count=1, gpu_memory=int(generator.choice([4, 5, 6, 8, 10, 12, 16, 20])) * GIB)
    return replace(plain, gpu_count=int(generator.choice([1, 2])))


def booting(fleet: Fleet, offers: Sequence[Offer], demands: list[Demand]) -> Case:
    """The machines are bought, and nothing runs yet."""
    for bought in planned((demands, []), offers, fleet.rules).purchases:
        fleet.buy(bought.offer, bought.disk)
    return demands, fleet.machines()


def churn(fleet: Fleet, offers: Sequence[Offer], demands: list[Demand], generator: np.random.Generator) -> Case:
    """All ran; some have ended since, and others come."""
    fleet.carry_out(planned((demands, []), offers, fleet.rules), {demand.id: demand for demand in demands})
    fleet.end(demand.id for demand in demands if generator.random() < 0.35)
    half = len(demands) // 5
    alike = [replace(demands[int(each)], id=f"b{each:04}") for each in generator.choice(len(demands), half, replace=False)]
    return [*drawn(generator, half, "c"), *alike], fleet.machines()


def planned(case: Case, offers: Sequence[Offer], rules: Rules) -> Plan:
    """The plan, which must place all."""
    plan = BestFitDecreasing().plan(*case, offers, rules)
    assert not plan.unplaced, plan.unplaced[0]
    return plan


def run(offers: Sequence[Offer], seeds: int) -> dict[str, Any]:
    """Measure."""
    rules = Rules(engines={region_of(offer): ("process",) for offer in offers})
    results: dict[str, Any] = {}
    for size in SIZES:
        cases: dict[str, list[Case]] = {"booting": [], "churn": []}
        first = 0.0
        for seed in range(seeds):
            generator = np.random.default_rng([seed, size])
            demands, fleet = drawn(generator, size, "a"), Fleet(offers, rules)
            cases["booting"].append(booting(fleet, offers, demands))
            first += fleet.spent()
            cases["churn"].append(churn(Fleet(offers, rules), offers, demands, generator))
        results[str(size)] = {"first": round(first, 4)} | {name: compared(each, offers, rules) for name, each in cases.items()}
    return results


def compared(cases: Sequence[Case], offers: Sequence[Offer], rules: Rules) -> dict[str, Any]:
    """The second plans, each way in turn over each case."""
    bought: dict[str, list[float]] = {name: [] for name in WAYS}
    cpu = dict.fromkeys(WAYS, 0.0)
    for case in cases:
        for name, way in WAYS.items():
            start = time.process_time()
            with patch.object(existing, "rearranged", way):
                plan = planned(case, offers, rules)
            cpu[name] += time.process_time() - start
            bought[name].append(sum(cost(each.offer, rules).amount for each in plan.purchases))
    rows = {
        name: {
            "bought": round(sum(bought[name]), 4),
            "cases": sum(price > 0 for price in bought[name]),
            "cpu_s": round(cpu[name] / len(cases), 4),
        }
        for name in WAYS
    }
    dearer = sum(ours > other + 1e-9 for ours, other in zip(bought["ours"], bought["best_fit"], strict=True))
    return {**rows, "dearer": dearer}


def main() -> None:
    """Print the results."""
    parser = argparse.ArgumentParser(description="What is bought that the machines there would hold.")
    parser.add_argument("--catalog", type=Path, required=True, help="a CSV file of machine types")
    parser.add_argument("--seeds", type=int, default=20, help="fleets of each size; 20 if absent")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args()
    results = run(read_offers(options.catalog), options.seeds)
    print(json.dumps(results) if options.json else "\n".join(f"{size:>4} {row}" for size, row in results.items()))


if __name__ == "__main__":
    main()
