"""Batch placement: all arrivals are known; which of them are placed, and where, so that the most value is on the machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from cloudlayer.scheduler.placing import board as board_kernels
from cloudlayer.scheduler.placing import ruin
from cloudlayer.scheduler.placing.arrays import Integers, Machines, Shapes
from cloudlayer.scheduler.placing.assignment import Assignment, gpu_values
from cloudlayer.scheduler.placing.boards import assignment_of, board_of, flat
from cloudlayer.scheduler.placing.compiled import kernels
from cloudlayer.scheduler.placing.ruin import Search

ROUND: Final = 1000
"""Tries between two questions whether to go on."""
PARTS: Final = 1024


def batch(
    shapes: Shapes,
    counts: Integers,
    machines: Machines,
    values: Integers | None = None,
    *,
    iterations: int = 2000,
    seed: int = 0,
    earlier: Assignment | None = None,
    keep: bool = False,
    again: Callable[[], bool] | None = None,
    fast: bool | None = None,
) -> Assignment:
    """Place replicas, `counts` (K,) of each shape, so that the sum of `values` (K,) over the placed ones is great.

    Values are whole numbers from 0 on; by default those of `gpu_values`. What has no value is put where room is left in the
    end, by processors. `machines` are not changed. With `earlier`, an assignment of the same replicas on the same machines,
    the answer is not worse than that: no less value, and at the same value no fewer processors in use. To `keep` it is to place
    no fewer of any shape that has a value either: nobody loses a place to others who are worth more.

    The search is ruin and recreate, of `iterations` tries; where `again` is given, of as many thousands as it says yes before.
    It ends before that where all who have a value are placed.
    The same arguments give the same answer, with machine code (`fast`, by default where numba is installed) or without.
    Raises ValueError where a machine has more than 62 devices.
    """
    values = gpu_values(shapes) if values is None else np.asarray(values, dtype=np.int64)
    run = kernels(board_kernels, ruin, fast=fast)
    start = Assignment.nowhere(counts, machines) if earlier is None else earlier
    cells, board, places = board_of(shapes, machines, start, seed, room=_room(shapes, values, start, keep=keep), run=run)
    search = Search(int((values > 0).sum()), *places)
    order = flat(_by_size(shapes, values), run.fast)
    run.lift_worthless(cells, board, search)
    run.fill_all(cells, board, order)
    if search.valued_count and board.machines:
        _go_on(lambda tries: run.improve(cells, board, search, tries), iterations, again)
    run.fill_all(cells, board, order)
    found = assignment_of(cells, board)
    return found if earlier is None else max(earlier, found, key=lambda each: (each.worth(values), each.worth(shapes.cpu)))


def _go_on(improve: Callable[[int], bool], iterations: int, again: Callable[[], bool] | None) -> None:
    if again is None:
        improve(iterations)
        return
    while again() and improve(ROUND):
        pass


def _by_size(shapes: Shapes, values: Integers) -> Integers:
    """From the most devices, then the most value, then the most processors."""
    order: Integers = np.lexsort((np.arange(len(values)), -shapes.cpu, -values, -shapes.devices * shapes.whole))
    return order


def _room(shapes: Shapes, values: Integers, start: Assignment, *, keep: bool) -> list[Integers]:
    """The columns of a search, as `Search` has them."""
    count, (everyone, width) = len(values), start.devices.shape
    room = [ruin.MOST_MACHINES, count, count, count, everyone, everyone, everyone * width, ruin.MOST_MACHINES]
    known = [values, _scaled(values), _scaled(shapes.cpu), np.flatnonzero(values > 0)]
    waiting = np.bincount(start.shape[~start.placed], minlength=count)
    most_waiting = waiting if keep else np.full(count, ruin.ALL)
    return [*known, *(np.zeros(size, dtype=np.int64) for size in room), most_waiting]


def _scaled(numbers: Integers) -> Integers:
    """In parts of 1024 of the greatest, rounded down, by whole numbers alone."""
    greatest = max(1, int(numbers.max(initial=1)))
    return np.array([int(number) * PARTS // greatest for number in numbers], dtype=np.int64)
