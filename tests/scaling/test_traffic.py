"""Calls that were seen replace what was thought, once there are enough of them, and noise changes nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.scaling.traffic import ENOUGH, STEP, STRETCH, Stretch, Weight, over, weighed

TOLD = Weight(1.0, 1000.0)


def test_a_few_calls_tell_nothing():
    assert not over(Stretch(STRETCH, 10.0, ENOUGH - 1, 1), TOLD)
    assert not over(Stretch(STRETCH - 1, 1e6, 10 * ENOUGH, 1), TOLD)
    assert over(Stretch(STRETCH, 10.0, ENOUGH, 1), TOLD)


def test_that_none_were_seen_where_many_were_thought_tells_something():
    seen = Stretch(STRETCH, 2 * STRETCH, 0, 0)
    assert over(seen, TOLD)
    assert weighed(seen, TOLD) == Weight(0.0, 1000.0)


def test_what_was_seen_is_by_replica_and_by_call():
    assert weighed(Stretch(STRETCH, 100.0, 4000, 80_000), TOLD) == Weight(40.0, 20.0)


@given(st.floats(1.0 / STEP + 0.01, STEP - 0.01))
def test_a_little_more_or_less_changes_nothing(factor):
    calls = round(1000 * factor)
    assert weighed(Stretch(STRETCH, 1000.0, calls, calls * 1000), TOLD) == TOLD


@given(st.integers(0, 10_000), st.integers(0, 10**9))
def test_the_same_seen_twice_changes_nothing_the_second_time(calls, size):
    seen = Stretch(STRETCH, 500.0, calls, size)
    once = weighed(seen, TOLD)
    assert weighed(seen, once) == once
