"""The index in machine code, where numba is installed (the `fast` extra): best fit for a whole list of events at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from cloudlayer.scheduler.placing import index_machines, index_search, index_trees
from cloudlayer.scheduler.placing.arrays import Booleans, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import NOWHERE, Scale, device_slices, rows
from cloudlayer.scheduler.placing.bestfit_order import alike
from cloudlayer.scheduler.placing.compiled import kernels
from cloudlayer.scheduler.placing.index_machines import DIGITS, WIDTH, WORDS, Table
from cloudlayer.scheduler.placing.index_trees import PLACES, SIDES, Trees

MOST_DEVICES: Final = 62
"""The devices of one machine are the bits of a signed number of 64."""
_ENTRIES: Final = 32
"""Entries of a leaf at most, and leaves of a branch: few to look through or to move, and three levels for a million."""
_SPARE: Final = 64
"""Leaves beside one for four machines, where one for twelve would do if all were three quarters full."""
_NEVER: Final = 1 << 62


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """By event: the machine, NOWHERE if there is none, and the devices, as bits, of what was placed."""

    machine: Integers
    devices: Integers


def replay_fast(shapes: Shapes, machines: Machines, events: Integers) -> Choices:
    """The choices of `index.replay` with a `BestFitOrder`. `machines` are not changed; there may be two million of them.

    Raises ImportError without numba.
    """
    width, count = machines.device_compute.shape[1], len(machines.cpu)
    if width > MOST_DEVICES or count >= 1 << PLACES:
        raise ValueError(f"{count} machines of {width} devices: at most {1 << PLACES} of {MOST_DEVICES} are supported")
    run = kernels(index_machines, index_trees, index_search, fast=True, allocate=False)
    choices = np.stack([np.full(len(events), NOWHERE), np.zeros(len(events), dtype=np.int64)], axis=1)
    taken = np.zeros((len(events), width if (shapes.profile >= 0).any() else 0), dtype=np.int64)
    kind, firsts = alike(machines)
    table = table_of(shapes, rows(machines, firsts))
    run.look_at_all(table)
    table = _each(table, kind)
    trees = _trees(count, table)
    run.line_up(table, trees)
    trees.line.sort(axis=1)
    run.run(table, trees, np.asarray(events, dtype=np.int64), choices, taken)
    return Choices(choices[:, 0], choices[:, 1])


def table_of(shapes: Shapes, machines: Machines) -> Table:
    """The matrices of the kernels; what they change is copied."""
    scale, width, count = Scale.of(machines), machines.device_compute.shape[1], len(machines.cpu)
    words, models, profiles = (len(shapes.cpu) + 63) // 64, machines.models.shape[1], machines.places.shape[1]
    sizes = (width, words, profiles, models, scale.cpu, scale.memory, scale.compute)
    needs = (shapes.cpu, shapes.memory, shapes.disk, shapes.devices, shapes.whole, shapes.device_memory)
    steps, bits = _thresholds([*needs[:3], shapes.device_memory, shapes.device_compute], words)
    free = (machines.device_memory, machines.device_compute, machines.slices, machines.size_memory, machines.model)
    unseen = np.zeros((count * width, 1 + words), dtype=np.int64)
    unknown = np.zeros((count, 2 + words), dtype=np.int64)
    return Table(
        sizes=np.array(sizes, dtype=np.int64),
        shapes=_columns(*needs, shapes.device_compute, shapes.profile, shapes.devices > 0),
        steps=steps,
        bits=bits,
        sets=_sets(shapes, machines),
        places=machines.places.astype(np.int64),
        spans=np.bitwise_count(device_slices(machines)).astype(np.int64),
        devices=np.hstack([_columns(*(each.ravel() for each in free)), unseen]),
        machines=np.hstack([_columns(machines.cpu, machines.memory, machines.disk), unknown, _words(machines.allowed.T)]),
    )


def _each(table: Table, kind: Integers) -> Table:
    """The table of all machines, from that of one of each kind."""
    columns = table.devices.shape[1]
    by_machine = table.devices.reshape(len(table.machines), int(table.sizes[WIDTH]) * columns)
    return table._replace(devices=by_machine[kind].reshape(-1, columns), machines=table.machines[kind])


def _trees(count: int, table: Table) -> Trees:
    """Room for both trees, of so many machines each."""
    words, leaves = int(table.sizes[WORDS]), count // 4 + _SPARE
    branches = leaves // 16 + _SPARE
    return Trees(
        entries=np.empty((leaves, _ENTRIES), dtype=np.int64),
        sets=np.empty((leaves, words, _ENTRIES), dtype=np.int64),
        used=np.zeros(leaves, dtype=np.int64),
        branches=np.empty((branches, _ENTRIES), dtype=np.int64),
        least=np.empty((branches, _ENTRIES), dtype=np.int64),
        unions=np.empty((branches, _ENTRIES, words), dtype=np.int64),
        filled=np.zeros(branches, dtype=np.int64),
        roots=np.empty((SIDES, branches), dtype=np.int64),
        root_least=np.empty((SIDES, branches), dtype=np.int64),
        root_unions=np.empty((SIDES, branches, words), dtype=np.int64),
        counts=np.array([0, 0, 0, 0, count, count], dtype=np.int64),
        line=np.zeros((SIDES, max(count, 1)), dtype=np.int64),
    )


def _sets(shapes: Shapes, machines: Machines) -> Integers:
    whole, sliced = shapes.whole & (shapes.profile < 0), shapes.profile >= 0
    profiles = np.arange(machines.places.shape[1])[:, None]
    digits = np.arange(DIGITS)[:, None]
    kinds = np.stack([~whole & ~sliced, whole])
    return _words(np.vstack([kinds, machines.models.T, shapes.profile == profiles, shapes.devices >> digits & 1 == 1]))


def _thresholds(needs: Sequence[Integers], words: int) -> tuple[Integers, Integers]:
    """See `index_fits.Threshold`: a row for each resource, filled up with steps that nothing reaches."""
    distinct = [np.unique(each) for each in needs]
    most = max(len(each) for each in distinct)
    steps = np.full((len(needs), most), _NEVER, dtype=np.int64)
    bits = np.zeros((len(needs), most + 1, words), dtype=np.int64)
    for row, (need, each) in enumerate(zip(needs, distinct, strict=True)):
        steps[row, : len(each)] = each
        bits[row, 1 : len(each) + 1] = _words(need[None, :] <= each[:, None])
    return steps, bits


def _words(flags: Booleans) -> Integers:
    """Each row of (R, K) as bits in words of 64."""
    packed = np.packbits(flags, axis=1, bitorder="little")
    padded = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    words: Integers = padded.view("<i8").astype(np.int64)
    return words


def _columns(*columns: Any) -> Integers:
    return np.stack(columns, axis=1).astype(np.int64, copy=False)
