"""A board from machines and an assignment, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cloudlayer.scheduler.placing.arrays import Machines, Shapes
from cloudlayer.scheduler.placing.assignment import OUT, Assignment
from cloudlayer.scheduler.placing.board import Board, Cells
from cloudlayer.scheduler.placing.compiled import Kernels

MOST_DEVICES: Final = 62
"""Devices of one machine are the bits of one signed number of 64."""


def flat(values: NDArray[Any], fast: bool) -> Any:
    """For machine code an array of its own, else a list."""
    numbers = np.array(values, dtype=np.int64).ravel()
    return numbers if fast else numbers.tolist()


def lay(columns: Sequence[NDArray[Any]]) -> tuple[NDArray[np.int64], list[int]]:
    """All columns one after another, and where each begins."""
    rows = [np.asarray(column, dtype=np.int64).ravel() for column in columns]
    return np.concatenate(rows), [0, *np.cumsum([len(row) for row in rows])[:-1].tolist()]


def seed_of(seed: int) -> int:
    """A state for `draw`, not 0, from any whole number: Knuth's multiplicative hash."""
    return (seed * 2654435761 + 88172645) % 0xFFFFFFFF + 1 if seed % 0xFFFFFFFF else 88172645


def board_of(
    shapes: Shapes, machines: Machines, start: Assignment, seed: int, *, room: Sequence[NDArray[Any]], run: Kernels
) -> tuple[Cells, Board, list[int]]:
    """The cells and board on which `start` stands, and where each column of `room`, a search's own, begins.

    `machines` are as they are without any of the start's replicas.
    """
    width = machines.device_compute.shape[1]
    if width > MOST_DEVICES:
        raise ValueError(f"a machine with {width} devices: at most {MOST_DEVICES} are supported")
    count, everyone = len(machines.cpu), len(start.shape)
    numbers = np.bincount(start.shape, minlength=len(shapes.cpu))
    empty, none = np.zeros(everyone), np.full(everyone, -1)
    cells, places = lay([
        *(shapes.cpu, shapes.memory, shapes.disk, shapes.devices, shapes.whole, shapes.device_memory, shapes.device_compute),
        *(shapes.profile, machines.allowed, machines.models, machines.places, machines.cpu, machines.memory, machines.disk),
        *(machines.device_memory, machines.device_compute, machines.slices, machines.size_memory, machines.model),
        *(start.shape, none, empty, start.slices, np.full(count, -1), none, none),
        *(np.cumsum(numbers) - numbers, empty, np.zeros(len(shapes.cpu)), empty),
        *(np.zeros(count), np.full(count, -1), np.zeros(1), np.array([seed_of(seed)])),
        *room,
    ])  # fmt: skip
    sizes = [len(shapes.cpu), count, width, machines.models.shape[1], *machines.places.shape[1:], everyone]
    fields = len(Board._fields) - len(sizes)
    board = Board(*sizes, *places[:fields])
    used = flat(cells, run.fast)
    bits = start.devices @ (1 << np.arange(width, dtype=np.int64))
    run.settle(used, board, flat(start.machine, run.fast), flat(bits, run.fast))
    return used, board, places[fields:]


def assignment_of(cells: Cells, board: Board) -> Assignment:
    """Where everybody on the board is."""

    def column(start: int, length: int) -> NDArray[np.int64]:
        return np.array(cells[start : start + length], dtype=np.int64)

    everyone, width = board.replicas, board.width
    shape, machine, bits = (column(start, everyone) for start in (board.shape, board.machine, board.devices))
    devices = ((bits[:, None] >> np.arange(width)) & 1).astype(np.bool_) & (machine != OUT)[:, None]
    sliced = devices & (column(board.need_profile, board.shapes)[shape] >= 0)[:, None]
    slices = np.where(sliced, column(board.taken, everyone * width).reshape(everyone, width), 0)
    return Assignment(shape, machine, devices, slices)
