"""How many replicas: at once upwards, after the idle time downwards, never more often than that."""

from __future__ import annotations

from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scaling import Observed, Target, want

TARGET = Target(min=0, max=5, concurrency=2, idle=60.0)
targets = st.builds(
    lambda low, more, concurrency, idle: Target(low, low + more, concurrency, idle),
    st.integers(0, 3),
    st.integers(1, 8),
    st.integers(1, 4),
    st.floats(1, 300),
)
loads = st.builds(Observed, in_flight=st.integers(0, 20), waiting=st.integers(0, 20))


def run(loads, target, start=0, step=5.0):
    """The answers to `loads`, observed every `step` seconds, each applied at once."""
    current, peaks, answers = start, (), []
    for number, load in enumerate(loads):
        answer = want(load, target, current, now=1000 + number * step, peaks=peaks)
        current, peaks = answer.replicas, answer.peaks
        answers.append(answer)
    return answers


def test_the_first_waiting_call_starts_a_replica():
    assert want(Observed(0, 1), TARGET, 0, now=5.0).replicas == 1


def test_calls_in_flight_and_waiting_count_alike_at_so_many_a_replica():
    assert want(Observed(3, 2), TARGET, 1, now=5.0).replicas == 3


def test_more_than_max_is_never_wanted_and_the_reason_says_so():
    answer = want(Observed(0, 100), TARGET, 1, now=5.0)
    assert (answer.replicas, answer.why) == (5, "100 calls at 2 a replica need 50, max is 5")


def test_min_replicas_stay_without_a_call_and_the_reason_says_so():
    answer = want(Observed(0, 0), Target(2, 5, 1, 60.0), 0, now=5.0)
    assert (answer.replicas, answer.why) == (2, "0 calls at 1 a replica need 0, min is 2")


def test_a_version_that_was_never_called_is_not_started():
    assert want(Observed(0, 0), TARGET, 0, now=5.0).replicas == 0


def test_what_was_needed_stays_for_the_idle_time_and_then_ends():
    answers = run([Observed(4, 0)] + [Observed(0, 0)] * 13, TARGET)
    assert [answer.replicas for answer in answers] == [2] * 12 + [0] * 2
    assert answers[3].why == "0 calls at 2 a replica need 0, 2 were needed within the last 1m"
    assert answers[-1].why == "no calls"


def test_it_is_told_when_fewer_will_be_wanted():
    busy, quiet = run([Observed(4, 0), Observed(1, 0)], TARGET)
    assert busy.changes_at is None
    assert quiet.changes_at == 1060.0
    assert want(Observed(1, 0), TARGET, 2, now=1059.9, peaks=quiet.peaks).replicas == 2
    assert want(Observed(1, 0), TARGET, 2, now=1060.0, peaks=quiet.peaks).replicas == 1


def test_after_a_restart_nothing_ends_before_the_idle_time_is_seen():
    answers = run([Observed(0, 0)] * 14, TARGET, start=4)
    assert [answer.replicas for answer in answers] == [4] * 12 + [0] * 2


def test_calls_too_short_to_be_seen_in_flight_keep_one_replica():
    answers = run([Observed(0, 1)] + [Observed(0, 0, idle_seconds=2.0)] * 40, TARGET)
    assert {answer.replicas for answer in answers} == {1}


def test_the_idle_time_runs_from_the_end_of_the_last_call():
    seen = [Observed(1, 0), *(Observed(0, 0, idle_seconds=seconds) for seconds in (1.0, 30.0, 59.0, 60.0))]
    peaks, now = (), 1000.0
    answers = []
    for number, load in enumerate(seen):
        moment = now + (0 if number == 0 else 100.0 + load.idle_seconds)
        answer = want(load, TARGET, 1, now=moment, peaks=peaks)
        peaks = answer.peaks
        answers.append(answer.replicas)
    assert answers == [1, 1, 1, 1, 0]


@settings(deadline=None)
@given(targets, st.lists(loads, min_size=1, max_size=60))
def test_what_is_wanted_is_always_between_min_and_max_and_enough_for_the_calls(target, seen):
    for load, answer in zip(seen, run(seen, target), strict=True):
        needed = ceil((load.in_flight + load.waiting) / target.concurrency)
        assert target.min <= answer.replicas <= target.max
        assert answer.replicas >= min(needed, target.max)


@settings(deadline=None)
@given(targets, st.lists(loads, min_size=1, max_size=60))
def test_what_is_wanted_is_the_largest_need_of_the_idle_time(target, seen):
    answers = run(seen, target, step=7.0)
    for number, answer in enumerate(answers):
        recent = [load for age, load in enumerate(reversed(seen[: number + 1])) if age * 7.0 < target.idle]
        peak = max(ceil((load.in_flight + load.waiting) / target.concurrency) for load in recent)
        assert answer.replicas == max(target.min, min(peak, target.max))


@settings(deadline=None)
@given(targets, loads, st.integers(0, 8), st.floats(0.1, 120))
def test_a_constant_load_changes_the_number_once_up_and_once_down_at_most(target, load, start, step):
    numbers = [answer.replicas for answer in run([load] * 50, target, start=start, step=step)]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) <= 2


@settings(deadline=None)
@given(targets, st.lists(loads, max_size=60), st.floats(0.1, 20))
def test_the_history_stays_small(target, seen, step):
    assert all(len(answer.peaks) <= target.max + 1 for answer in run(seen, target, step=step))
