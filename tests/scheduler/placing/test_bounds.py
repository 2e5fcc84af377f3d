from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings

from cloudlayer.scheduler.placing.bounds import upper_bound
from tests.scheduler.placing.assignments import gpus, instances, most_worth

FEW = settings(max_examples=60, deadline=None)


@FEW
@given(instances(most=4))
def test_no_assignment_of_all_is_worth_more_than_the_bound(instance):
    shapes, counts, machines, values = instance
    best = most_worth(shapes, counts, machines, values, np.zeros_like(counts))
    assert best <= upper_bound(shapes, counts, machines, values)


@FEW
@given(instances(most=4))
def test_no_assignment_that_keeps_some_is_worth_more_than_the_bound_for_those(instance):
    shapes, counts, machines, values = instance
    kept = (counts + 1) // 2
    best = most_worth(shapes, counts, machines, values, kept)
    assume(best is not None)
    assert best <= upper_bound(shapes, counts, machines, values, kept)


def test_the_bound_knows_how_shares_fill_one_device():
    # by the sum of shares 3 of 600 would fit on two devices
    shapes, machines = gpus(2, 1, (1, 600))
    assert upper_bound(shapes, np.array([5]), machines, np.array([600])) == 1200


def test_the_bound_knows_what_processors_allow():
    shapes, machines = gpus(4, 1, (4, 1000), (1, 500))
    # 2 whole ones with 8 of 10 cores, and 2 halves; or 1 whole one and 6 halves
    assert upper_bound(shapes, np.array([4, 8]), machines, np.array([1000, 500])) == 4000


def test_whoever_must_stay_takes_room_in_the_bound():
    shapes, machines = gpus(1, 1, (10, 0), (10, 1000))
    values = np.array([0, 1000])
    assert upper_bound(shapes, np.array([1, 1]), machines, values) == 1000
    assert upper_bound(shapes, np.array([1, 1]), machines, values, np.array([1, 0])) == 0
