"""The look-ahead as the order of an index."""

from __future__ import annotations

from copy import deepcopy

import numpy as np

from cloudlayer.scheduler.placing.arrays import Machines, Shapes
from cloudlayer.scheduler.placing.bestfit_order import BestFitOrder
from cloudlayer.scheduler.placing.index import Choice, entry
from cloudlayer.scheduler.placing.lookahead import Placer


class LookAheadOrder(BestFitOrder):
    """What is free is kept as for best fit; scores and devices are those of `placer`, made for the same shapes and machines."""

    def __init__(self, shapes: Shapes, machines: Machines, placer: Placer) -> None:
        super().__init__(shapes, machines)
        self._placer = placer
        self._now = deepcopy(machines)
        self._states: list[int] = placer.states(machines).tolist()
        self.entries = [_Entries(placer, self._states, shape) for shape in range(len(shapes.cpu))]

    def take(self, shape: int, machine: int) -> Choice:
        """See Order."""
        choice = super().take(shape, machine)
        self._write(machine)
        return choice

    def give(self, shape: int, choice: Choice) -> None:
        """See Order."""
        super().give(shape, choice)
        self._write(choice.machine)

    def _choose(self, shape: int, machine: int) -> tuple[int, ...]:
        _, places = self._placer.step(self._states[machine], shape)
        return self._placer.taken(self._now, machine, places)

    def _write(self, machine: int) -> None:
        """What is free of the machine into the arrays that the placer looks at."""
        now = self._now
        now.cpu[machine], now.memory[machine], now.disk[machine] = self._room(machine)
        for index, number in enumerate(self._devices_of(machine)):
            device = self._known.states[number]
            now.device_memory[machine, index] = device.memory
            now.device_compute[machine, index] = device.compute
            now.slices[machine, index] = device.slices
        self._states[machine] = int(self._placer.states(now, np.array([machine]))[0])


class _Entries:
    """The entries of one shape: scores by the state in which a machine is, found when they are asked for."""

    def __init__(self, placer: Placer, states: list[int], shape: int) -> None:
        self._placer, self._states, self._shape = placer, states, shape
        self._known: dict[int, int] = {}

    def __getitem__(self, machine: int) -> int:
        state = self._states[machine]
        if not self._known:
            # At first a shape is asked of all machines, and values of many states at once cost little more than that of one.
            every = np.unique(self._states)
            self._known.update(zip(every.tolist(), self._placer.scores(every, self._shape).tolist(), strict=True))
        if (score := self._known.get(state)) is None:
            score = self._known[state] = int(self._placer.scores(np.array([state]), self._shape)[0])
        return entry(score, machine)
