"""Machines, shapes and events for tests of the index, small enough to meet every corner; and the plain definition."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from cloudlayer.scheduler.placing.arrays import ABSENT, COMPUTE, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import NOWHERE, Scale, best_fit, best_place, tightest
from cloudlayer.scheduler.placing.index import Choice

PLACES = np.array([[[0, 0, 0], [0, 0, 0]], [[1, 2, 4], [3, 12, 0]]])
"""Model 0 has no MIG; model 1 has a profile of one slice and one of two."""
SIZES = (24, 40)
WIDTH = 3


@st.composite
def shape_sets(draw) -> Shapes:
    """One to six shapes of each kind: without devices, shares, whole devices and MIG instances."""
    rows = [draw(_shapes()) for _ in range(draw(st.integers(1, 6)))]
    columns = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    columns[4] = columns[4].astype(np.bool_)
    return Shapes(*columns)


@st.composite
def _shapes(draw):
    room = (draw(st.sampled_from([0, 100, 250, 1000])), draw(st.integers(0, 4)), draw(st.integers(0, 2)))
    kind = draw(st.sampled_from(["none", "share", "share", "whole", "mig"]))
    devices = 0 if kind == "none" else draw(st.integers(1, WIDTH))
    memory = draw(st.sampled_from([0, 6, 11, 24])) if kind == "share" else 0
    compute = draw(st.sampled_from([0, 250, 500])) if kind == "share" else 0
    profile = draw(st.integers(0, 1)) if kind == "mig" else -1
    return (*room, devices, kind == "whole", memory, compute, profile)


@st.composite
def fleets(draw, shapes: int) -> Machines:
    """One to eight machines, many of them alike, some in use."""
    kinds = [draw(_machines(shapes)) for _ in range(draw(st.integers(1, 3)))]
    rows = [kinds[draw(st.integers(0, len(kinds) - 1))] for _ in range(draw(st.integers(1, 8)))]
    cpu, memory, disk, devices, allowed = zip(*rows, strict=True)
    model, free, compute, slices = np.array(devices, dtype=np.int64).transpose(2, 0, 1)
    models = np.array([[draw(st.booleans()), draw(st.booleans())] for _ in range(shapes)])
    size = np.where(compute == ABSENT, 0, np.array(SIZES)[model])
    numbers = [np.array(column, dtype=np.int64) for column in (cpu, memory, disk)]
    return Machines(*numbers, free, compute, slices, size, model, np.array(allowed).T, models, PLACES)


@st.composite
def _machines(draw, shapes: int):
    devices = [draw(_devices()) for _ in range(draw(st.integers(0, WIDTH)))]
    devices += [(0, ABSENT, ABSENT, 0)] * (WIDTH - len(devices))
    allowed = draw(st.lists(st.sampled_from([True, True, False]), min_size=shapes, max_size=shapes))
    room = (draw(st.sampled_from([0, 300, 2000])), draw(st.integers(0, 12)), draw(st.integers(0, 9)))
    return (*room, devices, allowed)


@st.composite
def _devices(draw):
    model = draw(st.integers(0, 1))
    size = SIZES[model]
    used = [(model, size, COMPUTE, 0), (model, size, COMPUTE, 0), (model, size - 6, 750, 0), (model, 0, 0, 0)]
    return draw(st.sampled_from([*used, (1, SIZES[1], COMPUTE, 2)]))


@st.composite
def event_lists(draw, shapes: int) -> list[int]:
    """Placements, and releases of what was placed before and not yet released."""
    events: list[int] = []
    there: list[int] = []
    for _ in range(draw(st.integers(0, 40))):
        if there and draw(st.sampled_from([True, False, False])):
            events.append(~there.pop(draw(st.integers(0, len(there) - 1))))
        else:
            there.append(len(events))
            events.append(draw(st.integers(0, shapes - 1)))
    return events


@st.composite
def worlds(draw):
    """(shapes, machines, events)"""
    shapes = draw(shape_sets())
    count = len(shapes.cpu)
    return shapes, draw(fleets(count)), draw(event_lists(count))


def plainly(shapes: Shapes, machines: Machines, events) -> list[Choice | None]:
    """What the definition chooses, by a look at all machines for each replica. Changes `machines`."""
    scale = Scale.of(machines)
    choices: list[Choice | None] = []
    for event in events:
        choice = None
        if event < 0:
            move(shapes, machines, events[~event], choices[~event], -1)
        elif (machine := best_fit(shapes, event, machines, scale)) != NOWHERE:
            devices = tightest(shapes, event, machines, machine)
            choice = Choice(machine, devices, tuple(_slices(shapes, event, machines, machine, index) for index in devices))
            move(shapes, machines, event, choice, 1)
        choices.append(choice)
    return choices


def _slices(shapes, shape, machines, machine, device) -> int:
    profile = int(shapes.profile[shape])
    taken = int(machines.slices[machine, device])
    return 0 if profile < 0 else best_place(machines.places[machines.model[machine, device]], profile, taken)


def move(shapes: Shapes, machines: Machines, shape: int, choice: Choice | None, sign: int) -> None:
    """Put a replica there (1) or take it away (-1); nothing may exceed what there is."""
    if choice is None:
        return
    machine, devices = choice.machine, list(choice.devices)
    machines.cpu[machine] -= sign * shapes.cpu[shape]
    machines.memory[machine] -= sign * shapes.memory[shape]
    machines.disk[machine] -= sign * shapes.disk[shape]
    whole, sliced = shapes.whole[shape], shapes.profile[shape] >= 0
    machines.slices[machine, devices] ^= np.array(choice.slices, dtype=np.int64)
    if not sliced:
        memory = machines.size_memory[machine, devices] if whole else shapes.device_memory[shape]
        machines.device_memory[machine, devices] -= sign * memory
        machines.device_compute[machine, devices] -= sign * (COMPUTE if whole else shapes.device_compute[shape])
    assert min(machines.cpu[machine], machines.memory[machine], machines.disk[machine]) >= 0
    assert (machines.device_compute[machine, devices] >= 0).all() and (machines.device_memory[machine, devices] >= 0).all()
