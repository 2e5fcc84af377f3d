"""Policies that put one replica after another on machines that exist."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scheduler.placing.arrays import COMPUTE, Machines, Shapes, fits
from cloudlayer.scheduler.placing.bestfit import rows
from cloudlayer.scheduler.placing.compiled import available
from cloudlayer.scheduler.placing.lookahead import NEVER, LookAhead
from cloudlayer.scheduler.placing.policies import Always, Learning, best_fit, fragmentation_gradient, place_all, rehearsed, take
from cloudlayer.scheduler.placing.states import States
from cloudlayer.scheduler.placing.values import Fragmentation

GIB = 1 << 30


def shapes_of(*wanted):
    """From (cpu, memory GiB, devices, whole, device memory GiB, compute, profile)."""
    columns = [np.array(column) for column in zip(*wanted, strict=True)]
    cpu, memory, devices, whole, share, compute, profile = columns
    none = np.zeros(len(cpu), dtype=np.int64)
    return Shapes(cpu, memory * GIB, none, devices, whole.astype(bool), share * GIB, compute, profile)


def machines_of(shapes, *there):
    """From (cpu, memory GiB, devices, device memory GiB); all of one model with two places for profile 0 and four for 1."""
    width = max(1, *(devices for _, _, devices, _ in there))
    present = np.array([[index < devices for index in range(width)] for _, _, devices, _ in there])
    size = np.where(present, np.array([[each[3] * GIB] * width for each in there]), 0)
    return Machines(
        cpu=np.array([each[0] for each in there]),
        memory=np.array([each[1] * GIB for each in there]),
        disk=np.zeros(len(there), dtype=np.int64),
        device_memory=np.where(present, size, -1),
        device_compute=np.where(present, COMPUTE, -1),
        slices=np.zeros_like(size),
        size_memory=size,
        model=np.zeros_like(size),
        allowed=np.ones((len(shapes.cpu), len(there)), dtype=bool),
        models=np.ones((len(shapes.cpu), 1), dtype=bool),
        places=np.array([[[3, 12, 0, 0], [1, 2, 4, 8]]]),
    )


SHAPES = shapes_of(
    (4000, 8, 1, True, 0, 0, -1),
    (2000, 4, 1, False, 0, 500, -1),
    (1000, 4, 1, False, 6, 0, -1),
    (8000, 32, 2, True, 0, 0, -1),
    (3000, 16, 0, False, 0, 0, -1),
    (1000, 2, 1, False, 0, 0, 0),
    (500, 2, 2, False, 4, 300, -1),
    (500, 2, 1, False, 0, 0, 1),
)
POPULARITY = np.array([5, 9, 7, 2, 4, 2, 1, 1])
SIZES = ((16000, 64, 2, 16), (32000, 64, 4, 24), (8000, 128, 1, 16), (16000, 32, 0, 0), (16000, 64, 2, 16))

arrived = st.lists(st.integers(0, len(POPULARITY) - 1), max_size=60)


def choosers(machines, fast=None):
    return [
        LookAhead(SHAPES, POPULARITY, machines, fast=fast),
        LookAhead(SHAPES, POPULARITY, machines, caution=0, seed=1, fast=fast),
        fragmentation_gradient(SHAPES, POPULARITY, machines, fast=fast),
        best_fit(SHAPES, machines, fast=fast),
    ]


@settings(max_examples=15, deadline=None)
@given(arrived)
def test_who_fits_somewhere_is_placed_where_it_fits_and_nobody_else(arrivals):
    there = machines_of(SHAPES, *SIZES)
    for placer in choosers(there, fast=False):
        placed = place_all(Always(placer), SHAPES, rows(there, np.arange(len(SIZES))), arrivals)
        now = rows(there, np.arange(len(SIZES)))
        for shape, machine, devices in zip(arrivals, placed.machine.tolist(), placed.devices, strict=True):
            room = fits(SHAPES, shape, now)
            assert room[machine] if machine >= 0 else not room.any()
            if machine >= 0:
                take(SHAPES, shape, now, machine, tuple(np.flatnonzero(devices).tolist()))
        assert min(now.cpu.min(), now.memory.min(), now.device_memory.min() + 1, now.device_compute.min() + 1) >= 0


@pytest.mark.skipif(not available(), reason="numba is not installed")
def test_numpy_and_numba_choose_the_same():
    arrivals = np.random.default_rng(3).integers(0, len(POPULARITY), 60)
    there = machines_of(SHAPES, *SIZES)
    for pure, fast in zip(choosers(there, fast=False), choosers(there, fast=True), strict=True):
        one = place_all(Always(pure), SHAPES, rows(there, np.arange(len(SIZES))), arrivals)
        other = place_all(Always(fast), SHAPES, rows(there, np.arange(len(SIZES))), arrivals)
        assert (one.machine == other.machine).all()
        assert (one.devices == other.devices).all()
        assert pure._known == fast._known


def test_the_same_arrivals_go_to_the_same_machines():
    arrivals = np.random.default_rng(4).integers(0, len(POPULARITY), 150)
    there = machines_of(SHAPES, *SIZES * 6)
    runs = [
        place_all(chooser, SHAPES, rows(there, np.arange(len(there.cpu))), arrivals)
        for make in (lambda: Learning(SHAPES, there), lambda: Always(rehearsed(SHAPES, POPULARITY, there)))
        for chooser in (make(), make())
    ]
    assert (runs[0].machine == runs[1].machine).all()
    assert (runs[2].machine == runs[3].machine).all()


def test_scores_by_state_are_those_of_the_row_and_say_never_where_nothing_fits():
    there = machines_of(SHAPES, *SIZES)
    placer = LookAhead(SHAPES, POPULARITY, there, fast=False)
    states = placer.states(there)
    assert states[0] == states[4]
    for shape in range(len(POPULARITY)):
        scores = placer.scores(states, shape)
        assert ((scores != NEVER) == fits(SHAPES, shape, there)).all()
        assert scores.tolist() == [placer.row(int(state))[shape] for state in states]


def test_fragmentation_counts_what_a_typical_replica_cannot_use():
    shapes = shapes_of((1000, 0, 1, False, 0, 500, -1), (1000, 0, 1, True, 0, 0, -1), (1000, 0, 0, False, 0, 0, -1))
    there = machines_of(shapes, (8000, 64, 2, 0))
    there.device_compute[0] = [300, 1000]
    states = States(shapes, there)
    row = states.rows(there, np.array([0]))
    for weights, expected in (([1, 0, 0], 300), ([0, 1, 0], 300), ([0, 0, 1], 1300), ([2, 1, 1], 2 * 300 + 300 + 1300)):
        assert Fragmentation(states.table, np.array(weights), fast=False).of(row).tolist() == [expected]
    there.cpu[0] = 500
    row = states.rows(there, np.array([0]))
    assert Fragmentation(states.table, np.array([1, 0, 0]), fast=False).of(row).tolist() == [1300]


def test_without_devices_the_machine_with_the_least_left_is_taken():
    shapes = shapes_of((1000, 1, 0, False, 0, 0, -1))
    there = machines_of(shapes, (8000, 8, 0, 0), (4000, 4, 0, 0), (6000, 6, 0, 0))
    placer = LookAhead(shapes, np.array([1]), there, fast=False)
    placed = place_all(Always(placer), shapes, there, [0] * 5)
    assert placed.machine.tolist() == [1, 1, 1, 1, 2]
