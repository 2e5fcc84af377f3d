"""The parts `batch` and `repack` of benchmarks.packing: all arrivals known, and a fleet that runs packed anew.

Both are in per cent of all compute, means over the seeds, each with what it cannot exceed (`bound`, proven). `batch` chooses
which of a seed's arrivals are placed, and where; `wall_s` is all seeds' wall time, bounds included, machine code compiled
before: the searches share what the bounds leave of `BATCH_SECONDS`, and have at least `LEAST_SECONDS` each.

`repack` starts from where FGD ended (`from`): everyone placed stays placed, at most `MOST_MOVED` of them are moved, which is on
another machine or other devices, and each move gains at least `MOVE_PRICE` thousandths of a GPU; the search has
`REPACK_SECONDS` of processor time a seed, and its bound is for any number of moves. Every answer is checked against the
definition. The times are for machine code (the `fast` extra); without it fewer tries are made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from benchmarks.openb import Setting
from cloudlayer.scheduler.placing.arrays import Booleans, Integers
from cloudlayer.scheduler.placing.assignment import Assignment
from cloudlayer.scheduler.placing.batch import batch
from cloudlayer.scheduler.placing.bounds import upper_bound
from cloudlayer.scheduler.placing.repack import repack

BATCH_SECONDS: Final = 24.0
LEAST_SECONDS: Final = 0.5
REPACK_SECONDS: Final = 5.0
MOST_MOVED: Final = 0.05
MOVE_PRICE: Final = 20


def measure(
    setting: Setting, arrivals: Sequence[Integers], states: Sequence[tuple[Integers, Booleans]]
) -> dict[str, dict[str, float]]:
    """Both parts, from what arrives with each seed and where FGD put it: the machine, -1 for none, and its devices."""
    shapes, machines = setting.shapes, setting.machines
    one_each = np.ones(len(shapes.cpu), dtype=np.int64)
    nobody = Assignment.nowhere(one_each, machines)
    batch(shapes, one_each, machines, setting.compute, iterations=1)
    repack(shapes, machines, nobody, setting.compute, most_moved=0, iterations=len(nobody.shape))
    return {"batch": _batch(setting, arrivals), "repack": _repack(setting, arrivals, states)}


def _batch(setting: Setting, arrivals: Sequence[Integers]) -> dict[str, float]:
    begun = time.perf_counter()
    counts = [np.bincount(shapes, minlength=len(setting.shapes.cpu)) for shapes in arrivals]
    bounds = [_percent(setting, upper_bound(setting.shapes, each, setting.machines, setting.compute)) for each in counts]
    seconds = max(LEAST_SECONDS, (BATCH_SECONDS - (time.perf_counter() - begun)) / len(arrivals))
    found = []
    for seed, (each, bound) in enumerate(zip(counts, bounds, strict=True)):
        answer = batch(setting.shapes, each, setting.machines, setting.compute, seed=seed, again=_for(seconds))
        check(setting, each, answer)
        found.append(_percent(setting, answer.worth(setting.compute)))
        assert found[-1] <= bound
    wall = time.perf_counter() - begun
    return {
        "mean": round(float(np.mean(found)), 4),
        "std": round(float(np.std(found)), 4),
        "bound": round(float(np.mean(bounds)), 4),
        "wall_s": round(wall, 2),
    }


def _repack(setting: Setting, arrivals: Sequence[Integers], states: Sequence[tuple[Integers, Booleans]]) -> dict[str, float]:
    rows = []
    for seed, (shapes, (machine, devices)) in enumerate(zip(arrivals, states, strict=True)):
        before = Assignment(shapes, machine, devices, np.zeros(devices.shape, dtype=np.int64))
        number = int(before.placed.sum())
        again = _in_parts(REPACK_SECONDS)
        limit = int(MOST_MOVED * number)
        after = repack(
            setting.shapes,
            setting.machines,
            before,
            setting.compute,
            most_moved=limit,
            price=MOVE_PRICE,
            seed=seed,
            again=again,
        )
        counts = np.bincount(shapes, minlength=len(setting.shapes.cpu))
        kept = np.bincount(shapes[before.placed], minlength=len(counts))
        check(setting, counts, after)
        moved = int(after.moved_from(before).sum())
        assert moved <= limit and not (before.placed & ~after.placed).any()
        bound = upper_bound(setting.shapes, counts, setting.machines, setting.compute, kept)
        worths = before.worth(setting.compute), after.worth(setting.compute), bound
        assert worths[1] - worths[0] >= MOVE_PRICE * moved and worths[1] <= bound
        rows.append((*(_percent(setting, worth) for worth in worths), 100 * moved / number))
    start, end, limit_of_all, moves = (round(float(np.mean(column)), 4) for column in zip(*rows, strict=True))
    return {"from": start, "to": end, "moved_percent": moves, "bound": limit_of_all}


def check(setting: Setting, counts: Integers, answer: Assignment) -> None:
    """Hold an answer against the definition: who arrived, what each takes, and what each machine and device has."""
    shapes, machines = setting.shapes, setting.machines
    placed = answer.placed
    shape, machine, devices = answer.shape[placed], answer.machine[placed], answer.devices[placed]
    assert (np.bincount(answer.shape, minlength=len(counts)) == counts).all()
    for need, size in ((shapes.cpu, machines.cpu), (shapes.memory, machines.memory), (shapes.disk, machines.disk)):
        used = np.zeros_like(size)
        np.add.at(used, machine, need[shape])
        assert (used <= size).all()
    compute = np.zeros_like(machines.device_compute)
    np.add.at(compute, machine, devices * shapes.device_compute[shape][:, None])
    assert (compute <= np.maximum(machines.device_compute, 0)).all()
    assert (devices.sum(axis=1) == shapes.devices[shape]).all() and machines.allowed[shape, machine].all()
    assert (machines.models[shape[:, None], machines.model[machine]] | ~devices).all()


def _percent(setting: Setting, worth: float) -> float:
    return 100 * float(worth) / setting.capacity


def _for(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() < end


def _in_parts(seconds: float) -> Callable[[float], bool]:
    begun = time.process_time()
    return lambda part: time.process_time() < begun + part * seconds
