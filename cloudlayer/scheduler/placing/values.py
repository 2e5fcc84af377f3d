"""What a machine's state is worth: the idle part of its devices to come, and the fragmentation of what is idle now.

A value is a whole number, least where the state is best; the loss of a placement is the value after it less that before.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np

from cloudlayer.scheduler.placing import playing, replay
from cloudlayer.scheduler.placing.arrays import COMPUTE, Integers
from cloudlayer.scheduler.placing.compiled import Kernels, kernels
from cloudlayer.scheduler.placing.states import Table

SEQUENCES: Final = 64
"""How many sequences of replicas to come are played on each state, unless told otherwise."""
HORIZON: Final = 6
"""A sequence asks a machine for so many times the devices that it has: it is offered more than its part, and can choose."""
LONGEST: Final = 256
"""The replicas of a sequence at most, where few of them need devices."""
PROCESSORS_ONLY: Final = 5
"""Replicas without devices come to a machine with some this many times more rarely: others take them as well."""
WEIGHT: Final = 1 << 10
"""The weights of all shapes together, about."""
EXACT: Final = 1 << 62
"""Every number is told apart."""


class Value(Protocol):
    """The value of states, and what a placement loses.

    `grains` are how many parts of the largest machine's processors, and of its memory, are told apart.
    """

    grains: tuple[int, int]

    def of(self, rows: Integers) -> Integers:
        """Of shape (n,): the value of each state."""
        ...

    def loss(self, before: Integers, after: Integers, devices: Integers) -> Integers:
        """Of shape (n,): what is lost from one value to another by replicas on so many `devices`; may be negative."""
        ...


class Fragmentation:
    """The fragmentation gradient of Weng et al., "Beware of Fragmentation" (USENIX ATC 2023).

    The fragmentation of a state is the idle compute that a typical replica cannot use, its mean over `weights` (K,). The loss
    is the negative of the paper's score, 100 times the logistic function of what fragmentation falls by in devices, cut to
    whole numbers. Memory is not looked at, as there.
    """

    grains = EXACT, 1

    def __init__(self, table: Table, weights: Integers, *, fast: bool | None = None) -> None:
        none = np.zeros_like(table.memory)
        self._arrays = _arrays(table._replace(memory=none, disk=none))
        self._weights = weights
        self._run = kernels(playing, fast=fast)

    def of(self, rows: Integers) -> Integers:
        """Fragmentation times the sum of the weights."""
        return _fragmented(self._run, self._arrays, rows, self._weights)

    def loss(self, before: Integers, after: Integers, devices: Integers) -> Integers:
        """From -100, the best, to 0."""
        fall = (before - after) / (COMPUTE * int(self._weights.sum()))
        return -np.floor(100.0 / (1.0 + np.exp(-fall))).astype(np.int64)


class Nothing:
    """No state is worth more than another: plain best fit."""

    grains = 1, 1

    def of(self, rows: Integers) -> Integers:
        """Zeros."""
        return np.zeros(len(rows), dtype=np.int64)

    def loss(self, before: Integers, after: Integers, devices: Integers) -> Integers:
        """Zeros."""
        return after - before


class Outlook:
    """The idle part of the devices that is left when replicas have gone on coming, from replaying the same sequences.

    `popularity` (K,) says how often each shape comes. `caution` adds so many 64ths of the fragmentation of what is idle now,
    which matters where some need many devices of one machine. `seed` draws the order in which they come. Fewer than `SEQUENCES`
    are quicker in proportion, and see less well.
    """

    grains = 128, 32

    def __init__(
        self,
        table: Table,
        popularity: Integers,
        *,
        caution: int = 0,
        number: int = SEQUENCES,
        seed: int = 0,
        fast: bool | None = None,
    ) -> None:
        self._table, self._arrays = table, _arrays(table)
        self._run = kernels(playing, fast=fast)
        self._caution = caution
        self._weights = np.round(popularity * WEIGHT / max(1, popularity.sum())).astype(np.int64)
        self._sequences = sequences(table, popularity, number, seed)

    def of(self, rows: Integers) -> Integers:
        """The idle thousandths, added up over sequences."""
        if self._run.fast:
            values = np.empty(len(rows), dtype=np.int64)
            self._run.replayed(*self._arrays, rows, self._sequences, HORIZON, values)
        else:
            values = replay.replayed(self._table, rows, self._sequences, HORIZON)
        if self._caution:
            values += _fragmented(self._run, self._arrays, rows, self._weights) * self._caution // WEIGHT
        return values

    def loss(self, before: Integers, after: Integers, devices: Integers) -> Integers:
        """The difference. A replica without devices gains nothing: that a machine is worth more with it is chance."""
        return np.where(devices > 0, after - before, np.maximum(after - before, 0))


def _fragmented(run: Kernels, arrays: tuple[Any, ...], rows: Integers, weights: Integers) -> Integers:
    values = np.empty(len(rows), dtype=np.int64)
    run.fragmented(*arrays, rows, weights, values)
    return values


def _arrays(table: Table) -> tuple[Any, ...]:
    """The table as `playing` takes it."""
    columns = (table.cpu, table.memory, table.disk, table.devices, table.whole, table.share, table.compute, table.asks)
    needs = np.stack([column.astype(np.int64) for column in columns], axis=1)
    pieces = table.pieces[np.maximum(table.model, 0)]
    return needs, table.allowed, table.suited, table.size, pieces


def sequences(table: Table, popularity: Integers, number: int, seed: int) -> Integers:
    """Of shape (number, T): shapes in proportion to how often they come, all in a fixed random order. None that want MIG."""
    weights = np.where(table.devices > 0, PROCESSORS_ONLY * popularity, popularity)
    weights[table.profile >= 0] = 0
    total = int(weights.sum())
    asked = int((weights * table.asks).sum())
    if not asked:
        return np.zeros((number, 0), dtype=np.int64)
    width = table.model.shape[1]
    length = min(LONGEST, 2 * HORIZON * width * COMPUTE * total // asked + 1)
    every = number * length
    places = (2 * np.arange(every, dtype=np.int64) + 1) * total // (2 * every)
    drawn: Any = np.searchsorted(np.cumsum(weights), places, side="right")
    shuffled: Integers = np.random.default_rng(seed).permutation(drawn).astype(np.int64)
    return shuffled.reshape(number, length)


def typical(table: Table, popularity: Integers, part: float = 0.95) -> Integers:
    """Of shape (K,): how often the typical shapes come, 0 for others.

    Those that differ in memory or disk alone count as one; typical are the most frequent until they make up `part` of all.
    """
    groups: dict[tuple[Any, ...], int] = {}
    weights = np.zeros_like(popularity)
    for shape in range(len(popularity)):
        key = (table.cpu[shape], table.asks[shape], table.devices[shape], table.accepted[shape].tobytes())
        weights[groups.setdefault(key, shape)] += popularity[shape]
    ranked = np.argsort(-weights, kind="stable")
    number = int(np.searchsorted(np.cumsum(weights[ranked]), part * popularity.sum())) + 1
    weights[ranked[number:]] = 0
    return weights
