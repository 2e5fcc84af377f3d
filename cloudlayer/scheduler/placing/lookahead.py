"""Which machine a replica is put on: where the least is lost of what the machine's state is worth; ties by best fit.

Machines are told apart by their state alone, so scores are kept by state and shape, and values by state.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from cloudlayer.scheduler.placing import steps
from cloudlayer.scheduler.placing.arrays import Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import Scale
from cloudlayer.scheduler.placing.compiled import kernels
from cloudlayer.scheduler.placing.states import FIRST, States
from cloudlayer.scheduler.placing.values import SEQUENCES, Outlook, Value

NEVER: Final = 1 << 62
"""The score where a replica does not fit."""
_UNKNOWN: Final = -NEVER
_LOSS: Final = 1 << 30
"""One of loss outweighs everything that best fit tells."""
_AT_ONCE: Final = 256
"""How many states are valued at once: together is quicker."""
_UNIT: Final = 1 << 11
_DEVICES_FIRST: Final = 1 << 13
CAUTION: Final = 13
"""A fifth of the fragmentation of what is idle now. Where some need many devices, less falls short."""


class Placer:
    """Scores of shapes on the states of `machines`, by a value. Deterministic, and the same with numba and without.

    What is free of the machines may change; their kinds, and the shapes, may not.
    """

    def __init__(self, shapes: Shapes, machines: Machines, value: Value, states: States, *, fast: bool | None = None) -> None:
        self._value, self._states = value, states
        self._count = len(shapes.cpu)
        self._run = kernels(steps, fast=fast)
        self._scale = Scale.of(machines)
        self._devices = shapes.devices
        self._ids: dict[bytes, int] = {}
        self._known: dict[bytes, int] = {}
        self._lists: dict[int, list[int]] = {}
        self._rows = np.empty((64, FIRST + 3 * states.width), dtype=np.int64)
        self._values = np.empty(64, dtype=np.int64)
        self._tight = np.empty((64, 2), dtype=np.int64)
        self._scores = np.empty((64, self._count), dtype=np.int64)

    def states(self, machines: Machines, which: Integers | None = None) -> Integers:
        """Of shape (n,): the state of each machine, or of some, as they are now. A state is a small number."""
        rows = self._states.rows(machines, np.arange(len(machines.cpu)) if which is None else which)
        for first in range(0, len(rows), _AT_ONCE):
            self._valued(rows[first : first + _AT_ONCE])
        return np.array([self._intern(row) for row in rows], dtype=np.int64)

    def scores(self, states: Integers, shape: int) -> Integers:
        """Of shape (n,): what placing one replica on a machine of each state costs: least is best, NEVER if it does not fit."""
        found: Integers = self._scores[states, shape]
        unknown = found == _UNKNOWN
        if unknown.any():
            different = np.unique(states[unknown])
            self._fill(different, np.full(len(different), shape))
            found = self._scores[states, shape]
        return found

    def row(self, state: int) -> list[int]:
        """The scores of all shapes on one state."""
        if state not in self._lists:
            unknown = np.flatnonzero(self._scores[state] == _UNKNOWN)
            self._fill(np.full(len(unknown), state), unknown)
            self._lists[state] = self._scores[state].tolist()
        return self._lists[state]

    def step(self, state: int, shape: int) -> tuple[int, Integers]:
        """The state after placing one replica, and where in the state's row the devices lie that it takes."""
        result, devices = self._best(self._rows[state], shape)
        return self._intern(result), np.flatnonzero(devices)

    def taken(self, machines: Machines, machine: int, places: Integers) -> tuple[int, ...]:
        """The devices of the machine that lie at `places` of its state's row, by index."""
        return tuple(sorted(self._states.device(machines, machine, places).tolist()))

    def _best(self, row: Integers, shape: int) -> tuple[Integers, Integers]:
        results, devices, _ = self._expand(row[None, :], np.array([shape]))
        best = int(self._valued(results).argmin()) if len(results) > 1 else 0
        return results[best], devices[best]

    def _expand(self, rows: Integers, shapes: Integers) -> tuple[Integers, Integers, Integers]:
        width = max(1, self._states.width)
        results = np.empty((width * len(rows), rows.shape[1]), dtype=np.int64)
        devices = np.zeros((width * len(rows), self._states.width), dtype=np.int64)
        starts = np.empty(len(rows) + 1, dtype=np.int64)
        total = self._run.expand_all(self._states.table, rows, shapes, results, devices, starts)
        return results[:total], devices[:total], starts

    def _fill(self, states: Integers, shapes: Integers) -> None:
        """Find the scores of each state for the shape beside it."""
        results, _, starts = self._expand(self._rows[states], shapes)
        numbers = np.diff(starts)
        before = np.repeat(self._values[states], numbers)
        loss = self._value.loss(before, self._valued(results), np.repeat(self._devices[shapes], numbers))
        fits = numbers > 0
        scores = np.full(len(states), NEVER, dtype=np.int64)
        if fits.any():
            tight = self._tight[states, (self._devices[shapes] > 0).astype(np.int64)]
            scores[fits] = np.minimum.reduceat(loss, starts[:-1][fits]) * _LOSS + tight[fits]
        self._scores[states, shapes] = scores

    def _valued(self, rows: Integers) -> Integers:
        """The values of states, rounded down to what the value tells apart, so that fewer are different."""
        rows = rows.copy()
        for column, largest, grains in zip((1, 2), (self._scale.cpu, self._scale.memory), self._value.grains, strict=True):
            grain = max(1, largest // grains)
            rows[:, column] = rows[:, column] // grain * grain
        keys = [row.tobytes() for row in rows]
        missing = {key: index for index, key in enumerate(keys) if key not in self._known}
        if missing:
            values = self._value.of(rows[list(missing.values())])
            self._known.update(zip(missing, values.tolist(), strict=True))
        return np.array([self._known[key] for key in keys], dtype=np.int64)

    def _intern(self, row: Integers) -> int:
        key = row.tobytes()
        state = self._ids.get(key)
        if state is None:
            state = self._ids[key] = len(self._ids)
            self._note(state, row)
        return state

    def _note(self, state: int, row: Integers) -> None:
        """Keep a new state, its value, and how little is left there: for shapes without devices and with some."""
        if state == len(self._rows):
            self._rows, self._values, self._tight, self._scores = (
                np.concatenate([each, np.empty_like(each)]) for each in (self._rows, self._values, self._tight, self._scores)
            )
        idle = int(self._run.idle_of(self._states.table, row))
        scale = self._scale
        cpu, memory = int(row[1]) * _UNIT // scale.cpu, int(row[2]) * _UNIT // scale.memory
        self._rows[state] = row
        self._values[state] = self._valued(row[None, :])[0]
        self._tight[state] = min(idle * _DEVICES_FIRST + cpu + memory, _LOSS - 1), idle * _UNIT // scale.compute + cpu
        self._scores[state] = _UNKNOWN


class LookAhead(Placer):
    """Scores by the outlook of machines when replicas come as often as `popularity` (K,) says; see `values.Outlook`.

    `caution`, `number` and `seed` are what `Outlook` takes.
    """

    def __init__(
        self,
        shapes: Shapes,
        popularity: Integers,
        machines: Machines,
        *,
        caution: int = CAUTION,
        number: int = SEQUENCES,
        seed: int = 0,
        fast: bool | None = None,
    ) -> None:
        states = States(shapes, machines)
        outlook = Outlook(states.table, popularity, caution=caution, number=number, seed=seed, fast=fast)
        super().__init__(shapes, machines, outlook, states, fast=fast)
