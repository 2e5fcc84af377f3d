"""Small instances of batch placement, a check of assignments straight from the definition, and the best one by trying all."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from hypothesis import strategies as st

from cloudlayer.scheduler.placing.arrays import COMPUTE, Machines, Shapes, fits, suitable_devices
from cloudlayer.scheduler.placing.assignment import Assignment
from cloudlayer.scheduler.placing.index import Choice
from tests.scheduler.placing.crowds import fleets, move, shape_sets


@st.composite
def instances(draw, most: int = 12):
    """(shapes, counts, machines, values): at most `most` replicas."""
    shapes = draw(shape_sets())
    nothing = (shapes.devices > 0) & ~shapes.whole & (shapes.profile < 0) & (shapes.device_memory == 0)
    shapes.device_compute[nothing & (shapes.device_compute == 0)] = 250
    count = len(shapes.cpu)
    machines = draw(fleets(count))
    counts = [0] * count
    for shape in draw(st.lists(st.integers(0, count - 1), max_size=most)):
        counts[shape] += 1
    values = draw(st.lists(st.integers(0, 20), min_size=count, max_size=count))
    return shapes, np.array(counts, dtype=np.int64), machines, np.array(values, dtype=np.int64)


def copied(machines: Machines) -> Machines:
    """The same, to be changed."""
    free = (machines.cpu, machines.memory, machines.disk, machines.device_memory, machines.device_compute, machines.slices)
    rest = (machines.size_memory, machines.model, machines.allowed, machines.models, machines.places)
    return Machines(*(each.copy() for each in free), *rest)


def left(shapes: Shapes, machines: Machines, answer: Assignment) -> Machines:
    """What is free beside everybody placed; each of them must have fitted beside those before it, the whole ones first."""
    free = copied(machines)
    order = sorted(np.flatnonzero(answer.placed).tolist(), key=lambda item: not shapes.whole[answer.shape[item]])
    for item in order:
        shape, machine = int(answer.shape[item]), int(answer.machine[item])
        devices = np.flatnonzero(answer.devices[item])
        assert fits(shapes, shape, free)[machine]
        assert len(devices) == shapes.devices[shape]
        assert suitable_devices(shapes, shape, free)[machine, devices].all()
        slices = tuple(answer.slices[item, devices].tolist())
        for device, taken in zip(devices, slices, strict=True):
            assert not taken & free.slices[machine, device]
            assert not taken or taken in free.places[free.model[machine, device], shapes.profile[shape]]
            assert bool(taken) == (shapes.profile[shape] >= 0)
        move(shapes, free, shape, Choice(machine, tuple(devices.tolist()), slices), 1)
    return free


def most_worth(shapes: Shapes, counts: np.ndarray, machines: Machines, values: np.ndarray, kept: np.ndarray) -> int | None:
    """The greatest worth of any assignment that has at least `kept` of each shape, by trying all; None if there is none."""
    replicas = [shape for shape in range(len(counts)) for _ in range(counts[shape])]
    return _most(shapes, replicas, copied(machines), values, kept.copy())


def _most(shapes, replicas, machines, values, kept) -> int | None:
    if not replicas:
        return 0 if (kept <= 0).all() else None
    shape, rest = replicas[0], replicas[1:]
    found = []
    if rest.count(shape) >= kept[shape]:
        found.append(_most(shapes, rest, machines, values, kept))
    kept[shape] -= 1
    for choice in _choices(shapes, shape, machines):
        move(shapes, machines, shape, choice, 1)
        others = _most(shapes, rest, machines, values, kept)
        found.append(None if others is None else others + int(values[shape]))
        move(shapes, machines, shape, choice, -1)
    kept[shape] += 1
    return max((worth for worth in found if worth is not None), default=None)


def _choices(shapes, shape, machines):
    suitable = suitable_devices(shapes, shape, machines)
    for machine in np.flatnonzero(fits(shapes, shape, machines)).tolist():
        for devices in combinations(np.flatnonzero(suitable[machine]).tolist(), int(shapes.devices[shape])):
            for slices in product(*(_places(shapes, shape, machines, machine, device) for device in devices)):
                yield Choice(machine, devices, slices)


def _places(shapes, shape, machines, machine, device):
    if shapes.profile[shape] < 0:
        return (0,)
    places = machines.places[machines.model[machine, device], shapes.profile[shape]].tolist()
    return tuple(place for place in places if place and not place & machines.slices[machine, device])


def gpus(devices: int, machines: int, *needs: tuple[int, int]) -> tuple[Shapes, Machines]:
    """Machines of 10 cores and so many devices; shapes of (cores, thousandths of a device), 1000 being a whole one."""
    cores, compute = (np.array(column, dtype=np.int64) for column in zip(*needs, strict=True))
    none = np.zeros(len(needs), dtype=np.int64)
    whole = compute == COMPUTE
    shapes = Shapes(cores * 1000, none, none, (compute > 0).astype(np.int64), whole, none, compute, none - 1)
    room = np.zeros((machines, devices), dtype=np.int64)
    empty = np.zeros(machines, dtype=np.int64)
    allowed = np.ones((len(needs), machines), dtype=np.bool_)
    models = np.ones((len(needs), 1), dtype=np.bool_)
    places = np.zeros((1, 1, 1), dtype=np.int64)
    fleet = Machines(empty + 10000, empty, empty, room, room + COMPUTE, room, room, room, allowed, models, places)
    return shapes, fleet
