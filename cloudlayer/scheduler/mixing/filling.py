"""Machines filled on paper: many at once, each in an order of classes of its own; and one, with the devices of each replica."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cloudlayer.scheduler.mixing.problem import TOLERANCE, Booleans, Floats, Integers, Problem

Contents = tuple[tuple[int, tuple[tuple[int, ...], ...]], ...]
"""What is on a machine: the index of a class, and the devices of each of its replicas."""


@dataclass(slots=True)
class _State:
    """What is free of R machines; devices, of shape (R, D), in ascending order of what is free."""

    cpu: Floats
    memory: Floats
    disk: Floats
    devices: Floats


def fill(problem: Problem, forms: Integers, orders: Integers) -> Integers:
    """Fill R empty machines of `forms` (R,), each with as much as fits of its classes one after another, in `orders` (R, K).

    Returns the number of replicas of each class, of shape (R, K). Devices are taken as `scheduler.fit` takes them: of those
    that suffice the ones that have the least free.
    """
    state = _empty(problem, forms)
    counts = np.zeros(orders.shape, dtype=np.int64)
    needs, most, rows = problem.needs, problem.most, np.arange(len(forms))
    for position in range(orders.shape[1]):
        index = orders[:, position]
        found = _fitting(problem, state, most[forms, index], index)
        guests = np.flatnonzero((problem.classes.devices[index] > 0) & (found > 0))
        if guests.size:
            each, need = problem.classes.devices[index[guests]], needs[forms[guests], index[guests]]
            found[guests] = _seat(state.devices, guests, found[guests], each, need)
        state.cpu -= found * problem.classes.cpu[index]
        state.memory -= found * problem.classes.memory[index]
        state.disk -= found * problem.classes.disk[index]
        counts[rows, index] = found.astype(np.int64)
    return counts


def seat(problem: Problem, form: int, counts: Integers, order: Sequence[int]) -> Contents | None:
    """The devices of every replica on one machine when it is filled in `order` with `counts`; None if they do not fit so."""
    needs = problem.needs[form]
    free = [float(problem.forms.device_memory[form])] * int(problem.forms.devices[form])
    contents = []
    for index in order:
        if not counts[index]:
            continue
        wanted, seats = int(problem.classes.devices[index]), []
        for _ in range(int(counts[index])):
            suitable = sorted((left, device) for device, left in enumerate(free) if wanted and left >= needs[index])
            if len(suitable) < wanted:
                return None
            chosen = tuple(sorted(device for _, device in suitable[:wanted]))
            for device in chosen:
                free[device] -= needs[index]
            seats.append(chosen)
        contents.append((int(index), tuple(seats)))
    return tuple(contents)


def orders(problem: Problem, values: Floats, noise: Sequence[Floats]) -> tuple[Integers, Integers]:
    """Forms (R,) and orders of classes (R, K) worth filling where a replica of each class is worth `values` (K,).

    Classes go by value for the part of the machine that they take, the part measured in several ways, for the form as it is and
    once more for each `noise` (K,) that values are multiplied by.
    """
    cpu = problem.classes.cpu / np.maximum(problem.forms.cpu, TOLERANCE)[:, None]
    memory = problem.classes.memory / np.maximum(problem.forms.memory, 1.0)[:, None]
    parts = np.where(
        problem.classes.share > 0,
        problem.needs / np.maximum(problem.forms.device_memory, 1.0)[:, None],
        problem.classes.devices,
    )
    devices = parts / np.maximum(problem.forms.devices, 1)[:, None]
    sizes = [
        cpu + memory + devices,
        np.maximum(np.maximum(cpu, memory), devices),
        cpu + 0.02 * (memory + devices),
        memory + 0.02 * (cpu + devices),
        devices + 0.02 * (cpu + memory),
    ]
    scores = [values / (size + 1e-9) for size in sizes]
    scores += [scores[0] * each for each in noise]
    fits: Booleans = problem.forms.allowed & (problem.classes.count > 0)
    ranked = [np.argsort(-np.where(fits, score, -1.0), axis=1, kind="stable") for score in scores]
    return np.tile(np.arange(len(problem.forms.cpu)), len(ranked)), np.concatenate(ranked)


def _empty(problem: Problem, forms: Integers) -> _State:
    width = int(problem.forms.devices.max(initial=0))
    number, size = problem.forms.devices[forms], problem.forms.device_memory[forms]
    devices = np.where(np.arange(width)[None, :] >= width - number[:, None], size[:, None], 0.0)
    return _State(problem.forms.cpu[forms] + TOLERANCE, problem.forms.memory[forms], problem.forms.disk[forms], devices)


def _fitting(problem: Problem, state: _State, most: Integers, index: Integers) -> Floats:
    """How many fit by processors, memory and disk, at most `most`."""
    classes = problem.classes
    found = most.astype(float)
    for free, need in ((state.cpu, classes.cpu), (state.memory, classes.memory), (state.disk, classes.disk)):
        found = np.minimum(found, np.floor(free / np.where(need[index] > 0, need[index], 1e-200)))
    fitting: Floats = np.maximum(found, 0.0)
    return fitting


def _seat(devices: Floats, rows: Integers, wanted: Floats, each: Integers, needs: Floats) -> Floats:
    """Put up to `wanted` replicas, of `each` devices, on the `devices` of `rows`; returns how many there was room for."""
    free = devices[rows]
    room = np.floor(free / needs[:, None])
    found: Floats = np.minimum(wanted, np.floor(room.sum(axis=1) / each))
    before = np.cumsum(room, axis=1) - room
    taken = np.clip((found * each)[:, None] - before, 0.0, room)
    devices[rows] = np.sort(free - taken * needs[:, None], axis=1)
    return found
