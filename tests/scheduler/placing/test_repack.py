from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scheduler.placing.assignment import Assignment
from cloudlayer.scheduler.placing.batch import batch
from cloudlayer.scheduler.placing.bounds import upper_bound
from cloudlayer.scheduler.placing.compiled import available
from cloudlayer.scheduler.placing.repack import repack
from tests.scheduler.placing.assignments import gpus, instances, left
from tests.scheduler.placing.test_batch import same

FEW = settings(max_examples=60, deadline=None)


@st.composite
def fleets_that_run(draw):
    """(shapes, machines, values, who is where): some placed, and some more that wait."""
    shapes, counts, machines, values = draw(instances(most=16))
    start = batch(shapes, counts, machines, np.zeros_like(values), iterations=0, fast=False)
    out = np.array(
        draw(st.lists(st.sampled_from([True, False, False]), min_size=len(start.shape), max_size=len(start.shape))), bool
    )
    machine = np.where(out, -1, start.machine)
    kept = (machine >= 0)[:, None]
    return shapes, machines, values, Assignment(start.shape, machine, start.devices & kept, np.where(kept, start.slices, 0))


@FEW
@given(fleets_that_run(), st.integers(0, 4), st.integers(0, 6), st.integers(0, 5))
def test_everybody_placed_stays_and_no_move_costs_more_than_it_saves(fleet, most, price, seed):
    shapes, machines, values, before = fleet
    after = repack(shapes, machines, before, values, most_moved=most, price=price, iterations=150, seed=seed, fast=False)
    left(shapes, machines, after)
    assert (after.shape == before.shape).all() and not (before.placed & ~after.placed).any()
    moved = int(after.moved_from(before).sum())
    assert moved <= most
    assert after.worth(values) - before.worth(values) >= price * moved


@FEW
@given(fleets_that_run())
def test_no_repacking_is_worth_more_than_the_bound_that_keeps_all(fleet):
    shapes, machines, values, before = fleet
    after = repack(shapes, machines, before, values, most_moved=99, price=0, iterations=150, fast=False)
    counts = np.bincount(before.shape, minlength=len(values))
    kept = np.bincount(before.shape[before.placed], minlength=len(values))
    assert after.worth(values) <= upper_bound(shapes, counts, machines, values, kept)


@pytest.mark.skipif(not available(), reason="numba is not installed")
@settings(max_examples=40, deadline=None)
@given(fleets_that_run(), st.integers(0, 5))
def test_machine_code_moves_whom_plain_code_moves(fleet, seed):
    shapes, machines, values, before = fleet
    plain, again, compiled = (
        repack(shapes, machines, before, values, most_moved=3, iterations=200, seed=seed, fast=fast)
        for fast in (False, False, True)
    )
    assert same(plain, again) and same(plain, compiled)


def halves() -> tuple:
    """Two devices, half of each in use, and somebody who needs a whole one."""
    shapes, machines = gpus(1, 2, (1, 500), (1, 1000))
    devices = np.array([[True], [True], [False]])
    return shapes, machines, Assignment(np.array([0, 0, 1]), np.array([0, 1, -1]), devices, np.zeros((3, 1), dtype=np.int64))


def test_one_move_makes_room_for_a_whole_device():
    shapes, machines, before = halves()
    after = repack(shapes, machines, before, most_moved=1, price=1000, iterations=2000, fast=False)
    assert after.placed.all() and after.moved_from(before).sum() == 1


def test_nobody_moves_where_a_move_costs_more_than_the_room_is_worth():
    shapes, machines, before = halves()
    after = repack(shapes, machines, before, most_moved=1, price=1001, iterations=2000, fast=False)
    assert same(after, before)


def test_nobody_moves_where_nobody_may():
    shapes, machines, before = halves()
    assert same(repack(shapes, machines, before, most_moved=0, iterations=2000, fast=False), before)


def test_a_negative_price_is_refused():
    shapes, machines, before = halves()
    with pytest.raises(ValueError, match="price -1"):
        repack(shapes, machines, before, most_moved=1, price=-1)
