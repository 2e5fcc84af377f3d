"""What emptying machines saves, and that it comes to rest.

    python -m benchmarks.consolidation --functions DIR [--catalog C.csv] [--json]

`day` is a day of the Azure Functions trace: DIR has `*_inv.csv` (invocations by minute), `*_run.csv` (durations in ms) and
`*_mem.csv` (MB by application), as in the samples of github.com/vhive-serverless/invitro. By Little's law each function needs
rate times duration replicas, times `--factor`, each of a quarter of a core and the memory of the trace; each is kept for five
minutes, the one counted in which it was needed last. The machines are those without GPUs of `--catalog` (columns as in
benchmarks.buying), on demand.
All rows have the same scheduler and the same idle times: `none` empties nothing; `ours` looks every `--every` minutes;
`no_threshold` takes any such step that saves anything at all; `first` takes the first machine, those with the fewest replicas
first, that fits elsewhere or has a cheaper replacement, as Karpenter does. Each has its `bill` (USD of the day), `machines`
(mean), `most_machines`, `bought`, `emptied` and `moved` (replicas). `saved_percent` is how much less `ours` pays than `none`.

`random` are `--fleets` random fleets (seeds 0, 1, ...) under a load that does not change, each consolidated until nothing is
worth it: `at_rest` of them came to rest, `rose` counts those whose bill did not fall with each step, `undone` the states that
came a second time; `steps`, `moved`, and the bills of all together before and after. `cpu_s` is processor time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.azure_day import ANYTHING, Rule, best_step, cpu_offers, day, first_step, read_load
from benchmarks.random_fleets import course, random_fleet
from cloudlayer.scheduler.consolidation import Terms


def run_day(functions: Path, catalog: Path, factor: float, every: int) -> dict[str, Any]:
    """The day with each way to consolidate."""
    load, offers = read_load(functions, factor), cpu_offers(catalog)
    rules: dict[str, Rule | None] = {
        "none": None,
        "ours": partial(best_step, terms=Terms()),
        "no_threshold": partial(best_step, terms=ANYTHING),
        "first": first_step,
    }
    rows = {name: asdict(day(load, offers, rule, every)) for name, rule in rules.items()}
    saved = 100 * (1 - rows["ours"]["bill"] / rows["none"]["bill"])
    return {**rows, "saved_percent": round(saved, 2)}


def run_random(fleets: int) -> dict[str, Any]:
    """Random fleets until they rest."""
    courses = [course(random_fleet(seed)[0], Terms()) for seed in range(fleets)]
    return {
        "fleets": fleets,
        "at_rest": sum(each.at_rest for each in courses),
        "rose": sum(each.rose for each in courses),
        "undone": sum(each.repeated for each in courses),
        "steps": sum(len(each.bills) - 1 for each in courses),
        "moved": sum(each.moved for each in courses),
        "bill_before": round(sum(each.bills[0] for each in courses), 4),
        "bill_after": round(sum(each.bills[-1] for each in courses), 4),
    }


def main() -> None:
    """Print the results."""
    parser = argparse.ArgumentParser(description="What emptying machines saves, and that it comes to rest.")
    parser.add_argument("--functions", type=Path, required=True, help="the folder with the three files of the trace")
    parser.add_argument("--catalog", type=Path, help="a CSV file of machine types; catalog.csv beside DIR if absent")
    parser.add_argument("--factor", type=float, default=1.0, help="multiplies the calls; 1 if absent")
    parser.add_argument("--every", type=int, default=5, help="minutes between two looks; 5 if absent")
    parser.add_argument("--fleets", type=int, default=1000, help="how many random fleets; 1000 if absent")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    catalog = options.catalog or options.functions.resolve().parent / "catalog.csv"
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "day": partial(run_day, options.functions, catalog, options.factor, options.every),
        "random": partial(run_random, options.fleets),
    }
    for name, work in parts.items():
        start = time.process_time()
        results[name] = work()
        results[name]["cpu_s"] = round(time.process_time() - start, 1)
    if options.json:
        print(json.dumps(results))
        return
    for part, figures in results.items():
        for name, value in figures.items():
            print(f"{part:7} {name:14} {value}")


if __name__ == "__main__":
    main()
