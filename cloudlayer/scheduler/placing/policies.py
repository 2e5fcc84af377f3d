"""Policies that put one replica after another on machines that exist, and know nothing of the order of those to come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

import numpy as np

from cloudlayer.scheduler.placing.arrays import Booleans, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import NOWHERE, best_place, rows
from cloudlayer.scheduler.placing.lookahead import CAUTION, NEVER, LookAhead, Placer
from cloudlayer.scheduler.placing.states import States
from cloudlayer.scheduler.placing.values import Fragmentation, Nothing, typical

UNLEARNED: Final = 100
"""Until so many have arrived, who learns goes by best fit."""
AGAIN: Final = 4
"""To learn anew more often costs time, and fills the machines no better."""
REHEARSALS: Final = (0, CAUTION)
"""The caution of the settings that a rehearsal tries."""


class Placed(NamedTuple):
    """Where those that arrived are: the machine (N,), NOWHERE for none, and which of its devices (N, D)."""

    machine: Integers
    devices: Booleans


class Chooser(Protocol):
    """Says which placer decides on the next replica."""

    def next(self, shape: int) -> Placer:
        """The placer for a replica of `shape`, which is told once for each that arrives."""
        ...


class Always:
    """The same placer for all."""

    def __init__(self, placer: Placer) -> None:
        self._placer = placer

    def next(self, shape: int) -> Placer:
        """The placer."""
        return self._placer


class Learning:
    """The look-ahead by what has arrived so far; best fit until `UNLEARNED`. Learned anew at `AGAIN` times as many."""

    def __init__(self, shapes: Shapes, machines: Machines, *, fast: bool | None = None) -> None:
        self._shapes, self._machines, self._fast = shapes, machines, fast
        self._seen = np.zeros(len(shapes.cpu), dtype=np.int64)
        self._again = UNLEARNED
        self._placer = best_fit(shapes, machines, fast=fast)

    def next(self, shape: int) -> Placer:
        """The placer by those before this one."""
        if self._seen.sum() == self._again:
            self._placer = LookAhead(self._shapes, self._seen, self._machines, fast=self._fast)
            self._again *= AGAIN
        self._seen[shape] += 1
        return self._placer


def best_fit(shapes: Shapes, machines: Machines, *, fast: bool | None = None) -> Placer:
    """Plain best fit, as `bestfit` defines what is left of a machine."""
    return Placer(shapes, machines, Nothing(), States(shapes, machines), fast=fast)


def fragmentation_gradient(shapes: Shapes, popularity: Integers, machines: Machines, *, fast: bool | None = None) -> Placer:
    """The policy of `values.Fragmentation` by the typical ones of those that come; ties by best fit."""
    states = States(shapes, machines)
    value = Fragmentation(states.table, typical(states.table, popularity), fast=fast)
    return Placer(shapes, machines, value, states, fast=fast)


def rehearsed(shapes: Shapes, popularity: Integers, machines: Machines, *, fast: bool | None = None) -> LookAhead:
    """The look-ahead whose setting fills the machines best when it is tried on arrivals drawn from `popularity`.

    As many arrive as ask for 1.3 times the devices, in an order of their own. Ties go to the first of `REHEARSALS`. The
    machines are not changed.
    """
    tried: list[tuple[int, LookAhead]] = []
    asks = States(shapes, machines).table.asks
    arrivals = _drawn(popularity, asks, machines)
    for caution in REHEARSALS:
        placer = LookAhead(shapes, popularity, machines, caution=caution, fast=fast)
        placed = place_all(Always(placer), shapes, rows(machines, np.arange(len(machines.cpu))), arrivals)
        tried.append((int(asks[arrivals[placed.machine != NOWHERE]].sum()), placer))
    return max(tried, key=lambda each: each[0])[1]


def _drawn(popularity: Integers, asks: Integers, machines: Machines) -> Integers:
    """Shapes by their popularity, until they ask for 1.3 times the compute of the devices."""
    limit = 13 * int(machines.device_compute.clip(0).sum()) // 10
    mean = max(1, int((popularity * asks).sum()) // max(1, int(popularity.sum())))
    generator = np.random.default_rng(0)
    drawn = generator.choice(len(popularity), size=2 * limit // mean + 1, p=popularity / popularity.sum())
    return drawn[: int(np.searchsorted(np.cumsum(asks[drawn]), limit, side="right"))]


def place_all(
    chooser: Chooser, shapes: Shapes, machines: Machines, arrivals: Iterable[int], random: np.random.Generator | None = None
) -> Placed:
    """Put all that arrive on `machines`, which are changed: where the score is least, ties by index; who fits is placed.

    `random` draws a machine of all that the replica fits instead.
    """
    where: list[int] = []
    on: list[tuple[int, ...]] = []
    placer, state = None, np.zeros(0, dtype=np.int64)
    for shape in (int(each) for each in arrivals):
        current = chooser.next(shape)
        if current is not placer:
            placer, state = current, current.states(machines)
        machine = _choice(placer.scores(state, shape), random)
        devices: tuple[int, ...] = ()
        if machine != NOWHERE:
            state[machine], places = placer.step(int(state[machine]), shape)
            devices = placer.taken(machines, machine, places) if len(places) else ()
            take(shapes, shape, machines, machine, devices)
        where.append(machine)
        on.append(devices)
    taken = np.zeros((len(on), machines.model.shape[1]), dtype=np.bool_)
    for index, devices in enumerate(on):
        taken[index, list(devices)] = True
    return Placed(np.array(where, dtype=np.int64), taken)


def _choice(scores: Integers, random: np.random.Generator | None) -> int:
    if random is not None:
        fitting = np.flatnonzero(scores != NEVER)
        return int(random.choice(fitting)) if len(fitting) else NOWHERE
    machine = int(scores.argmin())
    return machine if scores[machine] != NEVER else NOWHERE


def take(shapes: Shapes, shape: int, machines: Machines, machine: int, devices: tuple[int, ...]) -> None:
    """Take one replica's part out of what is free of the machine."""
    machines.cpu[machine] -= shapes.cpu[shape]
    machines.memory[machine] -= shapes.memory[shape]
    machines.disk[machine] -= shapes.disk[shape]
    for device in devices:
        profile = int(shapes.profile[shape])
        if profile >= 0:
            places = machines.places[machines.model[machine, device]]
            machines.slices[machine, device] |= best_place(places, profile, int(machines.slices[machine, device]))
        elif shapes.whole[shape]:
            machines.device_compute[machine, device] = machines.device_memory[machine, device] = 0
        else:
            machines.device_compute[machine, device] -= shapes.device_compute[shape]
            machines.device_memory[machine, device] -= shapes.device_memory[shape]
