from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scheduler.placing.arrays import fits
from cloudlayer.scheduler.placing.assignment import Assignment, gpu_values
from cloudlayer.scheduler.placing.batch import batch
from cloudlayer.scheduler.placing.bounds import upper_bound
from cloudlayer.scheduler.placing.compiled import available
from tests.scheduler.placing.assignments import copied, gpus, instances, left

FEW = settings(max_examples=60, deadline=None)


def same(one: Assignment, other: Assignment) -> bool:
    return all((getattr(one, name) == getattr(other, name)).all() for name in ("shape", "machine", "devices", "slices"))


@FEW
@given(instances(), st.integers(0, 5))
def test_no_machine_and_no_device_is_ever_exceeded(instance, seed):
    shapes, counts, machines, values = instance
    before = copied(machines)
    answer = batch(shapes, counts, machines, values, iterations=60, seed=seed, fast=False)
    assert (np.bincount(answer.shape, minlength=len(counts)) == counts).all()
    left(shapes, machines, answer)
    assert (machines.cpu == before.cpu).all() and (machines.device_compute == before.device_compute).all()


@FEW
@given(instances())
def test_nothing_stays_out_that_still_fits_somewhere(instance):
    shapes, counts, machines, values = instance
    answer = batch(shapes, counts, machines, values, iterations=60, fast=False)
    free = left(shapes, machines, answer)
    for shape in set(answer.shape[~answer.placed].tolist()):
        assert not fits(shapes, shape, free).any()


@FEW
@given(instances())
def test_no_answer_is_worth_more_than_the_bound(instance):
    shapes, counts, machines, values = instance
    answer = batch(shapes, counts, machines, values, iterations=60, fast=False)
    assert answer.worth(values) <= upper_bound(shapes, counts, machines, values)


@FEW
@given(instances(), st.integers(0, 5), st.integers(0, 5))
def test_an_answer_that_starts_from_an_earlier_one_never_places_less(instance, seed, other):
    shapes, counts, machines, values = instance
    earlier = batch(shapes, counts, machines, values, iterations=20, seed=seed, fast=False)
    later = batch(shapes, counts, machines, values, iterations=40, seed=other, earlier=earlier, fast=False)
    left(shapes, machines, later)
    assert (later.worth(values), later.worth(shapes.cpu)) >= (earlier.worth(values), earlier.worth(shapes.cpu))


@FEW
@given(instances(), st.integers(0, 5))
def test_the_same_arguments_give_the_same_answer(instance, seed):
    shapes, counts, machines, values = instance
    answers = [batch(shapes, counts, machines, values, iterations=40, seed=seed, fast=False) for _ in range(2)]
    assert same(*answers)


@pytest.mark.skipif(not available(), reason="numba is not installed")
@settings(max_examples=40, deadline=None)
@given(instances(most=20), st.integers(0, 5))
def test_machine_code_gives_the_answer_that_plain_code_gives(instance, seed):
    shapes, counts, machines, values = instance
    plain, compiled = (batch(shapes, counts, machines, values, iterations=200, seed=seed, fast=fast) for fast in (False, True))
    assert same(plain, compiled)


def test_devices_are_filled_where_a_plain_order_leaves_them_half_empty():
    # largest first: 400 + 400, then 300 + 300 + 300, and one of 300 stays out; full are two of 400 + 300 + 300
    shapes, machines = gpus(1, 2, (1, 400), (1, 300))
    counts = np.array([2, 4])
    assert batch(shapes, counts, machines, iterations=0, fast=False).worth(gpu_values(shapes)) == 1700
    assert batch(shapes, counts, machines, iterations=500, fast=False).worth(gpu_values(shapes)) == 2000


def test_what_is_worth_most_is_chosen_where_not_all_fit():
    shapes, machines = gpus(1, 1, (1, 1000), (6, 500), (4, 500), (1, 0))
    answer = batch(shapes, np.array([1, 1, 1, 1]), machines, np.array([5, 3, 3, 0]), iterations=300, fast=False)
    assert sorted(answer.shape[answer.placed].tolist()) == [1, 2]


def test_what_counts_nothing_takes_the_room_of_nobody_who_counts():
    shapes, machines = gpus(1, 1, (10, 0), (10, 1000))
    earlier = batch(shapes, np.array([1, 0]), machines, iterations=1, fast=False)
    both = Assignment(np.array([0, 1]), np.array([0, -1]), np.zeros((2, 1), bool), np.zeros((2, 1), int))
    answer = batch(shapes, np.array([1, 1]), machines, iterations=50, earlier=both, fast=False)
    assert earlier.placed.all() and answer.placed.tolist() == [False, True]


def test_a_machine_of_too_many_devices_is_refused():
    shapes, machines = gpus(63, 1, (1, 1000))
    with pytest.raises(ValueError, match="63 devices"):
        batch(shapes, np.array([1]), machines)


def test_the_search_goes_on_for_as_long_as_it_is_told_to():
    shapes, machines = gpus(1, 2, (1, 600), (1, 500))
    answers = iter([True, True, False])
    batch(shapes, np.array([2, 2]), machines, again=lambda: next(answers), fast=False)
    assert next(answers, None) is None


def test_the_search_ends_when_all_who_count_have_a_place():
    shapes, machines = gpus(1, 2, (1, 400), (1, 300))
    answer = batch(shapes, np.array([2, 4]), machines, again=lambda: True, fast=False)
    assert answer.placed.all()


@FEW
@given(instances(), st.integers(0, 5), st.integers(0, 5))
def test_what_is_kept_loses_no_place_to_what_is_worth_more(instance, seed, other):
    shapes, counts, machines, values = instance
    values = values + 1
    earlier = batch(shapes, counts, machines, values[::-1], iterations=20, seed=seed, fast=False)
    later = batch(shapes, counts, machines, values, iterations=60, seed=other, earlier=earlier, keep=True, fast=False)
    left(shapes, machines, later)
    before, after = (np.bincount(each.shape[each.placed], minlength=len(counts)) for each in (earlier, later))
    assert (after >= before).all()
