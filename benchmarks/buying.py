"""How cheap a mix of offers is, and how fast: `python -m benchmarks.buying --catalog C.csv --demand D.csv [--json]`.

Catalogue: a row for each machine type in a region with `vcpus, memory_gib, gpu, gpu_count, gpu_memory_gib, price_usd_h,
spot_usd_h`, the memory of one device. Demand: a row for each class with `class, replicas, vcpus, memory_gib, gpu_count,
gpu_memory_gib, gpu_models`; a gpu_count of "share" is that much memory of one device, a number is whole devices with at
least as much, of the models named ("L4|A10G").

`cost` and `lower_bound` are USD per hour, and `gap_percent` is how far the one is above the other. `cpu_s` is processor time,
the bound included, files and imports not. `background` is what is reached when the search goes on for `--seconds` of wall
time. Every plan is checked, and so is the proof of each bound, by code that shares nothing with the search
(benchmarks/instance.py); a failed check ends the run. `infeasible` names the classes that nothing on sale holds. `ray` is what
the scheduler of Ray's autoscaler buys for the same; null where Ray is not installed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.instance import Proof, Sale, Want, check_plan, proven, read_catalog, read_demand
from benchmarks.ray_demands import ray_plan
from cloudlayer.scheduler.mixing import Answer, Classes, Forms, Lots, Problem, mix, mix_while
from cloudlayer.units import GIB

NO_DISK = 1e18
SLACK = 0.1
"""The part of its wall time in which the search is told to end, since it is asked between two steps only."""


def problem(sales: Sequence[Sale], wants: Sequence[Want]) -> Problem:
    """The instance as the scheduler has it."""
    keys = [(sale.cpu, sale.memory, sale.model, sale.devices, sale.device_memory) for sale in sales]
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    samples = list({places[key]: sale for key, sale in zip(keys, sales, strict=True)}.values())
    return Problem(
        Classes(
            count=np.array([want.count for want in wants]),
            cpu=np.array([want.cpu for want in wants]),
            memory=np.array([want.memory * GIB for want in wants]),
            disk=np.zeros(len(wants)),
            devices=np.array([want.devices for want in wants]),
            share=np.array([want.device_memory * GIB if want.share else 0.0 for want in wants]),
        ),
        Forms(
            cpu=np.array([sale.cpu for sale in samples]),
            memory=np.array([sale.memory * GIB for sale in samples]),
            disk=np.full(len(samples), NO_DISK),
            devices=np.array([sale.devices for sale in samples]),
            device_memory=np.array([sale.device_memory * GIB for sale in samples]),
            allowed=np.array([[want.fits(sale) for want in wants] for sale in samples]),
        ),
        Lots(
            form=np.array([places[key] for key in keys]),
            price=np.array([sale.price for sale in sales]),
            limit=np.full(len(sales), np.inf),
        ),
    )


def run(sales: Sequence[Sale], wants: Sequence[Want], seconds: float) -> dict[str, Any]:
    """Measure and check."""
    instance = problem(sales, wants)
    start = time.process_time()
    first = mix(instance)
    cpu = time.process_time() - start
    begun = time.perf_counter()
    end = begun + seconds * (1 - SLACK)
    later = mix_while(instance, lambda: time.perf_counter() < end)
    wall = time.perf_counter() - begun
    for answer in (first, later):
        _check(sales, wants, answer)
    return {
        **_figures(first),
        "lower_bound": round(first.lower_bound, 6),
        "cpu_s": round(cpu, 3),
        "background": {**_figures(later), "lower_bound": round(later.lower_bound, 6), "wall_s": round(wall, 2)},
        "ray": _ray(sales, [want for want, lost in zip(wants, first.homeless, strict=True) if not lost]),
        "infeasible": [want.name for want, lost in zip(wants, first.homeless, strict=True) if lost],
    }


def _figures(answer: Answer) -> dict[str, float]:
    gap = answer.gap
    assert gap is not None
    return {"cost": round(answer.cost, 6), "gap_percent": round(100 * gap, 4)}


def _check(sales: Sequence[Sale], wants: Sequence[Want], answer: Answer) -> None:
    machines = [(sales[machine.lot], machine.contents) for machine in answer.machines]
    placed = check_plan(wants, machines)
    for index, want in enumerate(wants):
        held = any(want.fits(sale) for sale in sales)
        assert placed[index] == (want.count if held else 0) and held != answer.homeless[index], want
    cost = sum(sale.price for sale, _ in machines)
    bound = proven(sales, wants, proof(answer))
    assert abs(cost - answer.cost) < 1e-6
    assert answer.lower_bound <= bound * (1 + 1e-9) and answer.lower_bound <= cost


def proof(answer: Answer) -> Proof:
    """The answer's certificate as the check has it."""
    certificate = answer.certificate
    return Proof(certificate.values.tolist(), certificate.premiums.tolist(), certificate.budget)


def _ray(sales: Sequence[Sale], wants: Sequence[Want]) -> dict[str, float] | None:
    try:
        return ray_plan(sales, wants)
    except ImportError as error:
        print(f"without Ray: {error}; pip install 'cloudlayer[bench]'", file=sys.stderr)
        return None


def main() -> None:
    """Print the results."""
    parser = argparse.ArgumentParser(description="How cheap a mix of offers is, and how fast.")
    parser.add_argument("--catalog", type=Path, required=True, help="a CSV file of machine types")
    parser.add_argument("--demand", type=Path, required=True, help="a CSV file of classes of replicas")
    parser.add_argument("--seconds", type=float, default=15.0, help="how long the background search takes; 15 if absent")
    parser.add_argument("--no-spot", action="store_true", help="buy on demand alone")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args()
    results = run(read_catalog(options.catalog, not options.no_spot), read_demand(options.demand), options.seconds)
    print(json.dumps(results) if options.json else "\n".join(f"{name:12} {value}" for name, value in results.items()))


if __name__ == "__main__":
    main()
