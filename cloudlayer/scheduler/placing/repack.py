"""Re-packing what runs: nobody loses its place, few are moved, and others that wait find room by that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from cloudlayer.scheduler.placing import board as board_kernels
from cloudlayer.scheduler.placing import lifting
from cloudlayer.scheduler.placing.arrays import Integers, Machines, Shapes
from cloudlayer.scheduler.placing.assignment import Assignment, gpu_values
from cloudlayer.scheduler.placing.boards import assignment_of, board_of
from cloudlayer.scheduler.placing.compiled import kernels
from cloudlayer.scheduler.placing.lifting import MOST_LIFTED, MOST_TOUCHED, STRANGERS, Moving

STEPS: Final = (4, 2, 1)
"""The prices of a move, one after another, in times of the last: what gains most by a move is done first."""
ROUND: Final = 1000
"""Tries between two questions whether to go on."""
MOST_JOBS: Final = MOST_TOUCHED * MOST_LIFTED + STRANGERS


def repack(
    shapes: Shapes,
    machines: Machines,
    placed: Assignment,
    values: Integers | None = None,
    *,
    most_moved: int,
    price: int = 1,
    iterations: int = 20000,
    seed: int = 0,
    again: Callable[[float], bool] | None = None,
    fast: bool | None = None,
) -> Assignment:
    """Move at most `most_moved` of the replicas that have a place in `placed`, so that others of it that have none get one.

    Whoever has a place keeps one. A replica on another machine, or on other devices of the same, is moved. Each move gains at
    least `price`: what is placed in the end is worth that much more, by `values` (K,) as in `batch`, for every replica moved.
    `machines`, not changed, are what is free without any of the replicas of `placed`.

    `iterations` are tries in all; where `again` is given, they go on instead while it says yes, asked with the part of the work
    that is over when it says no: a third for the first of three prices. The same arguments give the same answer, with machine
    code (`fast`, by default where numba is installed) or without. ValueError where a machine has more than 62 devices or
    `price` is negative.
    """
    if price < 0:
        raise ValueError(f"a move cannot have the price {price}: 0 or more")
    values = gpu_values(shapes) if values is None else np.asarray(values, dtype=np.int64)
    run = kernels(board_kernels, lifting, fast=fast)
    cells, board, places = board_of(shapes, machines, placed, seed, room=_room(placed, values, most_moved), run=run)
    moving = Moving(int((values > 0).sum()), *places)
    if not board.machines or not board.replicas:
        return placed
    for step, times in enumerate(STEPS):
        if again is None:
            run.repack_some(cells, board, moving, iterations // len(STEPS), price * times)
            continue
        while again((step + 1) / len(STEPS)):
            run.repack_some(cells, board, moving, ROUND, price * times)
    return assignment_of(cells, board)


def _room(placed: Assignment, values: Integers, most_moved: int) -> list[Integers]:
    """The columns of a re-packing, as `Moving` has them."""
    width = placed.devices.shape[1]
    bits = placed.devices @ (1 << np.arange(width, dtype=np.int64))
    lifted = MOST_TOUCHED * MOST_LIFTED
    known = [values, np.flatnonzero(values > 0), placed.machine, bits, placed.slices, np.zeros(1), np.array([most_moved])]
    room = [MOST_TOUCHED, lifted, lifted, lifted, lifted * width, MOST_JOBS, MOST_JOBS, MOST_JOBS * MOST_TOUCHED]
    return [*known, *(np.zeros(size, dtype=np.int64) for size in room)]
