"""The index in machine code, where numba is installed (the `fast` extra): best fit for a whole list of events at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from cloudlayer.scheduler.placing import index_machines, index_search
from cloudlayer.scheduler.placing.arrays import Booleans, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import NOWHERE, Scale, device_slices
from cloudlayer.scheduler.placing.bestfit_order import alike
from cloudlayer.scheduler.placing.compiled import kernels
from cloudlayer.scheduler.placing.index_machines import Table
from cloudlayer.scheduler.placing.index_search import PLACES, Heaps

MOST_DEVICES: Final = 62
"""The devices of one machine are the bits of a signed number of 64."""
_RECENT: Final = 64
_SETTLED: Final = 1 << 16
_ROOM: Final = 1024
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
    if width > MOST_DEVICES or 2 * count >= 1 << PLACES:
        raise ValueError(f"{count} machines of {width} devices: at most {1 << PLACES - 1} of {MOST_DEVICES} are supported")
    run = kernels(index_machines, index_search, fast=True, allocate=False).run
    choices = np.stack([np.full(len(events), NOWHERE, dtype=np.int64), np.zeros(len(events), dtype=np.int64)], axis=1)
    taken = np.zeros((len(events), width if (shapes.profile >= 0).any() else 0), dtype=np.int64)
    run(table_of(shapes, machines), _heaps(len(shapes.cpu), machines), np.asarray(events, dtype=np.int64), choices, taken)
    return Choices(choices[:, 0], choices[:, 1])


def table_of(shapes: Shapes, machines: Machines) -> Table:
    """The matrices of the kernels; what they change is copied."""
    scale, width, count = Scale.of(machines), machines.device_compute.shape[1], len(machines.cpu)
    words, models, profiles = (len(shapes.cpu) + 63) // 64, machines.models.shape[1], machines.places.shape[1]
    sizes = (count, width, words, profiles, models, scale.cpu, scale.memory, scale.compute, len(shapes.cpu))
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


def _heaps(shapes: int, machines: Machines) -> Heaps:
    count = len(machines.cpu)
    group, firsts = alike(machines)
    begin = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=len(firsts)))])
    unknown = np.full(count, NOWHERE)
    return Heaps(
        entries=np.empty((shapes, 2 * count + _ROOM), dtype=np.int64),
        states=np.zeros((2, shapes), dtype=np.int64),
        settled=np.zeros(_SETTLED, dtype=np.int64),
        notes=_columns(np.zeros(count), unknown, group, np.zeros(count)),
        members=np.argsort(group, kind="stable"),
        groups=_columns(begin, begin),
        recent=np.zeros((2, _RECENT), dtype=np.int64),
        counts=np.zeros(4, dtype=np.int64),
    )


def _sets(shapes: Shapes, machines: Machines) -> Integers:
    whole, sliced = shapes.whole & (shapes.profile < 0), shapes.profile >= 0
    profiles = np.arange(machines.places.shape[1])[:, None]
    most = np.arange(int(shapes.devices.max(initial=0)) + 1)[:, None]
    kinds = np.stack([~whole & ~sliced, whole, shapes.devices > 1])
    return _words(np.vstack([kinds, machines.models.T, shapes.profile == profiles, shapes.devices <= most]))


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
    return np.stack(columns, axis=1).astype(np.int64)
