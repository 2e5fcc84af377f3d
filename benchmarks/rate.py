"""How many replicas are placed in a second: `python -m benchmarks.rate [--json] [--machines N ...]`.

Machines with eight devices each, of five kinds, and 64 classes of replicas (benchmarks/rate_load.py, seed 0): CPU-only ones,
shares of a device by memory, compute or both, and one to eight whole devices. Ten placements for each machine, the classes
drawn by a Zipf law, and after every four of them the release of one replica at random: at the end about all devices are
taken. Each figure is placements over seconds of processor time, releases and the making of the index included.

    core         best fit, with numpy and the standard library alone
    fast         best fit in machine code (the `fast` extra); null without numba
    policy_core  the look-ahead (scheduler/placing/lookahead.py), its values in numpy
    policy_fast  the look-ahead, its values in machine code; null without numba
    scan         the peer: numpy looks at all machines for each replica
    peak_mib     the most memory that the process of this size had resident, load and interpreter included

The look-ahead and the scan are so slow beside best fit that they get the first placements of the same events only: the
look-ahead 200 with its values in numpy and 2,000 in machine code, the scan 200. `core` and `fast`, and the two forms of the
look-ahead, must choose the same machines and devices, which digests of the choices show; what the scan chooses must be how
`core` begins. Else the run ends with an error. A plan goes through `core`'s index; `fast` has an index of its own for whoever
places by the million. Each size is measured in a process of its own. numba's compilation is left
out: everything runs on ten machines before.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from benchmarks import rate_load
from benchmarks.rate_scan import scan
from cloudlayer.scheduler.placing.arrays import Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import NOWHERE
from cloudlayer.scheduler.placing.bestfit_order import BestFitOrder
from cloudlayer.scheduler.placing.compiled import available
from cloudlayer.scheduler.placing.index import Choice, Index, replay
from cloudlayer.scheduler.placing.index_fast import replay_fast
from cloudlayer.scheduler.placing.lookahead import LookAhead
from cloudlayer.scheduler.placing.lookahead_order import LookAheadOrder

SIZES: Final = (1_000, 10_000, 100_000)
SEED: Final = 0
POLICY_CORE, POLICY_FAST, SCAN = 200, 2_000, 200
WARM_UP: Final = 10
Pairs = list[tuple[int, int]]
"""By event, the machine and the devices as bits."""


def core(shapes: Shapes, machines: Machines, events: Integers) -> Pairs:
    """Best fit without numba."""
    return _pairs(replay(Index(BestFitOrder(shapes, machines)), events.tolist()))


def fast(shapes: Shapes, machines: Machines, events: Integers) -> tuple[Integers, Integers]:
    """Best fit in machine code."""
    found = replay_fast(shapes, machines, events)
    return found.machine, found.devices


def policy(shapes: Shapes, machines: Machines, events: Integers, *, compiled: bool) -> Pairs:
    """The look-ahead; how often shapes come is what the events say."""
    popularity = np.bincount(events[events >= 0], minlength=len(shapes.cpu))
    placer = LookAhead(shapes, popularity, machines, fast=compiled)
    return _pairs(replay(Index(LookAheadOrder(shapes, machines, placer)), events.tolist()))


def measure(count: int) -> dict[str, Any]:
    """The figures of so many machines."""
    shapes, machines = rate_load.shapes(SEED), rate_load.machines(count, SEED)
    events = rate_load.events(count * rate_load.PER_MACHINE, SEED)
    of_core, chosen = _timed(lambda: core(shapes, machines, events), events)
    row: dict[str, Any] = {"core": of_core, "fast": None}
    if available():
        row["fast"], found = _timed(lambda: fast(shapes, machines, events), events)
        pairs = list(zip(found[0].tolist(), found[1].tolist(), strict=True))
        _same(chosen, pairs, "best fit")
    few = first(events, SCAN)
    row["scan"], scanned = _timed(lambda: scan(shapes, rate_load.machines(count, SEED), few), few)
    _same(chosen[: len(few)], scanned, "the scan")
    return row | _policies(shapes, machines, events)


def _policies(shapes: Shapes, machines: Machines, events: Integers) -> dict[str, Any]:
    few, more = first(events, POLICY_CORE), first(events, POLICY_FAST)
    of_core, chosen = _timed(lambda: policy(shapes, machines, few, compiled=False), few)
    if not available():
        return {"policy_core": of_core, "policy_fast": None}
    _same(chosen, policy(shapes, machines, few, compiled=True), "the look-ahead")
    of_fast, _ = _timed(lambda: policy(shapes, machines, more, compiled=True), more)
    return {"policy_core": of_core, "policy_fast": of_fast}


def first(events: Integers, placements: int) -> Integers:
    """The events up to so many placements."""
    return events[: int(np.searchsorted(np.cumsum(events >= 0), placements)) + 1]


def _timed(work: Callable[[], Any], events: Integers) -> tuple[int, Any]:
    gc.collect()
    start = time.process_time()
    result = work()
    return round(int((events >= 0).sum()) / (time.process_time() - start)), result


def _pairs(choices: Sequence[Choice | None]) -> Pairs:
    return [
        (NOWHERE, 0) if choice is None else (choice.machine, sum(1 << device for device in choice.devices))
        for choice in choices
    ]


def _same(one: Pairs, other: Pairs, what: str) -> None:
    if _digest(one) != _digest(other):
        raise SystemExit(f"{what} chooses otherwise")


def _digest(pairs: Pairs) -> str:
    return hashlib.sha256(np.array(pairs, dtype=np.int64).tobytes()).hexdigest()


def _warm_up() -> None:
    shapes, machines = rate_load.shapes(SEED), rate_load.machines(WARM_UP, SEED)
    events = rate_load.events(WARM_UP, SEED)
    if available():
        fast(shapes, machines, events)
        policy(shapes, machines, events, compiled=True)


def _size(count: int) -> dict[str, Any]:
    """The figures of one size, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.rate", "--only", str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results for people."""
    names = ("core", "fast", "policy_core", "policy_fast", "scan", "peak_mib")
    lines = [" ".join(["machines", *(f"{name:>11}" for name in names)])]
    lines += [" ".join([f"{size:>8}", *(f"{row[name] or '-':>11}" for name in names)]) for size, row in results.items()]
    return "\n".join(lines)


def main() -> None:
    """Print the results."""
    parser = argparse.ArgumentParser(description="How many replicas are placed in a second.")
    parser.add_argument(
        "--machines", type=int, nargs="+", default=SIZES, help="numbers of machines; 1000 10000 100000 if absent"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only is not None:
        _warm_up()
        row = measure(options.only)
        print(json.dumps(row | {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
        return
    results = {str(count): _size(count) for count in options.machines}
    print(json.dumps(results) if options.json else table(results))


if __name__ == "__main__":
    main()
