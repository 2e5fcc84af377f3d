"""`playing.replayed` in numpy: all states and all sequences at once, one of each sequence at a time. The same numbers."""

from __future__ import annotations

from typing import Final

import numpy as np

from cloudlayer.scheduler.placing.arrays import COMPUTE, Booleans, Integers
from cloudlayer.scheduler.placing.states import FIRST, Table

FAR: Final = 1 << 62
PLACES: Final = 64
"""More than the devices of any machine: ties between two are decided by their place."""


def replayed(table: Table, rows: Integers, sequences: Integers, horizon: int) -> Integers:
    """Of shape (n,): the idle thousandths left of each state after each sequence, added up over sequences."""
    width = table.size.shape[1]
    number = (rows[:, FIRST : FIRST + width] >= 0).sum(axis=1)
    taken = rows[:, FIRST + 2 * width :]
    cut, pieces = taken != 0, table.pieces[np.maximum(table.model[rows[:, 0]], 0)]
    unused = _left(table, rows) * (pieces - np.bitwise_count(taken).astype(np.int64)) // np.maximum(pieces, 1)
    rest = np.where(cut, unused, 0).sum(axis=1)
    start = rows.copy()
    for part in (start[:, FIRST : FIRST + width], start[:, FIRST + width : FIRST + 2 * width]):
        part[cut] = -1
    lanes = np.repeat(start, len(sequences), axis=0)
    which = np.tile(np.arange(len(sequences)), len(rows))
    limit = np.repeat(horizon * COMPUTE * number, len(sequences))
    active = np.flatnonzero(_left(table, lanes).any(axis=1))
    for step in range(sequences.shape[1]):
        shapes = sequences[which[active], step]
        limit[active] -= table.asks[shapes]
        going = limit[active] >= 0
        active, shapes = active[going], shapes[going]
        if not len(active):
            break
        state = lanes[active]
        _place(table, state, shapes)
        lanes[active] = state
        active = active[_left(table, state).any(axis=1)]
    idle: Integers = rest * len(sequences) + _left(table, lanes).sum(axis=1).reshape(len(rows), -1).sum(axis=1)
    return idle


def _left(table: Table, rows: Integers) -> Integers:
    """Of shape (n, D): thousandths of each device that can still be used, by the scarcer of compute and memory."""
    compute, memory = _devices(rows)
    size = table.size[rows[:, 0]]
    left = np.where(size > 0, np.minimum(compute, memory * COMPUTE // np.maximum(size, 1)), compute)
    return np.maximum(left, 0)


def _place(table: Table, rows: Integers, shapes: Integers) -> None:
    """One replica on each row, of the shape beside it, where it fits; the rows are changed."""
    wanted, whole = table.devices[shapes][:, None], table.whole[shapes][:, None]
    suitable = _suitable(table, rows, shapes)
    fits = table.allowed[rows[:, 0], shapes] & (rows[:, 1] >= table.cpu[shapes]) & (rows[:, 2] >= table.memory[shapes])
    fits &= (rows[:, 3] >= table.disk[shapes]) & (suitable.sum(axis=1) >= wanted[:, 0])
    rank = np.where(whole, 0, _left(table, rows)) * PLACES + np.arange(suitable.shape[1])
    rank = np.where(suitable, rank, FAR)
    last = np.take_along_axis(np.sort(rank, axis=1), (wanted - 1).clip(0, rank.shape[1] - 1), axis=1)
    chosen = suitable & (rank <= last) & (wanted > 0) & fits[:, None]
    for column, needs in ((1, table.cpu), (2, table.memory), (3, table.disk)):
        rows[:, column] -= np.where(fits, needs[shapes], 0)
    for part, needs in zip(_devices(rows), (table.compute, table.share), strict=True):
        np.subtract(part, np.where(chosen, np.where(whole, part, needs[shapes][:, None]), 0), out=part)


def _suitable(table: Table, rows: Integers, shapes: Integers) -> Booleans:
    """Of shape (n, D): the devices with room for the shape's part of one."""
    compute, memory = _devices(rows)
    untouched = (compute == COMPUTE) & (memory == table.size[rows[:, 0]])
    room = (compute >= 0) & (compute >= table.compute[shapes][:, None]) & (memory >= table.share[shapes][:, None])
    suitable: Booleans = table.suited[rows[:, 0], shapes] & np.where(table.whole[shapes][:, None], untouched, room)
    return suitable


def _devices(rows: Integers) -> tuple[Integers, Integers]:
    """Views of the free compute and the free memory, each of shape (n, D)."""
    width = (rows.shape[1] - FIRST) // 3
    return rows[:, FIRST : FIRST + width], rows[:, FIRST + width : FIRST + 2 * width]
