"""How full a cluster gets: `python -m benchmarks.packing --nodes N.csv --pods P.csv [--json]`.

The experiment of Weng et al., "Beware of Fragmentation" (USENIX ATC 2023), on the public "openb" files (see openb.py). All
nodes are empty. All pods of the list arrive, then more drawn from them, as long as they ask for no more than 1.3 times
the compute of all GPUs, in random order; nobody departs; a pod that fits nowhere is dropped, and one that fits somewhere is
placed. What counts is the compute allocated in the end, in per cent of all, its mean and standard deviation over seeds 42 to
51. `pods_per_s` is arrivals a second of processor time, machine code compiled before.

Policies: `ours` loses least of what machines are worth to those to come (cloudlayer/scheduler/placing/values.py); its setting
is rehearsed before, on arrivals drawn with a seed of their own. `ours_learned` knows only of those that arrived so far. `fgd`
is the fragmentation gradient of that paper, its score cut to whole numbers as there, ties by best fit. `best_fit` leaves the
least, and `random` draws one of the machines that a pod fits. `batch` and `repack` are told in packing_batch.py.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.openb import Setting, read
from benchmarks.packing_batch import check, measure
from cloudlayer.scheduler.placing.arrays import Integers
from cloudlayer.scheduler.placing.assignment import Assignment
from cloudlayer.scheduler.placing.lookahead import Placer
from cloudlayer.scheduler.placing.policies import (
    Always,
    Chooser,
    Learning,
    Placed,
    best_fit,
    fragmentation_gradient,
    place_all,
    rehearsed,
)

SEEDS: Final = tuple(range(42, 52))
NAMES: Final = ("ours", "ours_learned", "fgd", "best_fit", "random")


def policies(setting: Setting) -> dict[str, Callable[[], Callable[[], Chooser]]]:
    """By policy: what prepares it, and gives what makes its chooser for one seed. Only what is learned begins anew."""
    shapes, popularity, machines = setting.shapes, setting.popularity, setting.machines

    def always(make: Callable[[], Placer]) -> Callable[[], Callable[[], Chooser]]:
        return lambda: partial(Always, make())

    plain = always(lambda: best_fit(shapes, machines))
    return {
        "ours": always(lambda: rehearsed(shapes, popularity, machines)),
        "ours_learned": lambda: partial(Learning, shapes, machines),
        "fgd": always(lambda: fragmentation_gradient(shapes, popularity, machines)),
        "best_fit": plain,
        "random": plain,
    }


def run(setting: Setting, name: str, chooser: Chooser, arrivals: Integers, seed: int) -> tuple[Placed, float]:
    """Where one seed's arrivals are put, and the processor time that it took. Every placement is checked."""
    random = np.random.default_rng(seed) if name == "random" else None
    begun = time.process_time()
    placed = place_all(chooser, setting.shapes, setting.empty(), arrivals.tolist(), random)
    taken = time.process_time() - begun
    where = Assignment(arrivals, *placed, np.zeros(placed.devices.shape, dtype=np.int64))
    check(setting, np.bincount(arrivals, minlength=len(setting.shapes.cpu)), where)
    return placed, taken


def compare(setting: Setting, names: Sequence[str] = NAMES, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """All that is measured, by the keys of the answer; of some policies alone, without `batch` and `repack`."""
    arrivals = [setting.arrivals(seed) for seed in seeds]
    found: dict[str, dict[str, float]] = {}
    ended: list[Placed] = []
    for name, make in policies(setting).items():
        if name not in names:
            continue
        chooser = make()
        run(setting, name, chooser(), arrivals[0][:200], seeds[0])
        runs = [run(setting, name, chooser(), each, seed) for each, seed in zip(arrivals, seeds, strict=True)]
        found[name] = _summary(setting, arrivals, runs)
        ended = [placed for placed, _ in runs] if name == "fgd" else ended
    both = measure(setting, arrivals, ended) if set(names) == set(NAMES) else {}
    return {"policies": found, **both}


def _summary(setting: Setting, arrivals: Sequence[Integers], runs: Sequence[tuple[Placed, float]]) -> dict[str, float]:
    allocated = [
        100 * int(setting.compute[each[placed.machine >= 0]].sum()) / setting.capacity
        for each, (placed, _) in zip(arrivals, runs, strict=True)
    ]
    rate = sum(len(each) for each in arrivals) / sum(taken for _, taken in runs)
    return {"mean": round(float(np.mean(allocated)), 3), "std": round(float(np.std(allocated)), 3), "pods_per_s": round(rate)}


def report(answer: dict[str, Any]) -> str:
    """The same in words."""
    lines = [
        f"{name}: {each['mean']:.2f} % ± {each['std']:.2f}, {each['pods_per_s']} pods/s"
        for name, each in answer["policies"].items()
    ]
    return "\n".join([*lines, *(f"{name}: {answer[name]}" for name in ("batch", "repack") if name in answer)])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=Path, required=True)
    parser.add_argument("--pods", type=Path, required=True)
    parser.add_argument("--policies", nargs="+", choices=NAMES, default=NAMES, help="some alone, without batch and repack")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    answer = compare(read(arguments.nodes, arguments.pods), arguments.policies, arguments.seeds)
    print(json.dumps(answer, indent=2) if arguments.json else report(answer))


if __name__ == "__main__":
    main()
