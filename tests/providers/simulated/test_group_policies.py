"""Groups of the simulated cloud change their size by their policies, and never beyond their bounds."""

import pytest

from cloudlayer.errors import NotFound, Throttled, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.simulated import Fault
from tests.providers.simulated.groups import seen, spec, token


def with_step(**step):
    policy = {"kind": "step", "name": "up", "change": 2, "cooldown": 60.0, **step}
    return spec(min=1, policies=[policy])


def test_a_step_is_taken_once_though_its_answer_is_lost(world, groups):
    made = groups.create(with_step(), token=token())
    world.inject(Fault("lost", call="group.execute"))
    groups.execute(made.id, "up")
    assert seen(world).desired == 3


def test_a_second_step_waits_for_the_cooldown(world, groups):
    made = groups.create(with_step(), token=token())
    before = world.clock.now()
    groups.execute(made.id, "up")
    groups.execute(made.id, "up")
    assert (seen(world).desired, world.clock.now() - before) == (5, 60)


def test_a_cooldown_beyond_the_deadline_says_when_to_come_again(world, groups):
    made = groups.create(with_step(), token=token())
    groups.execute(made.id, "up")
    world.advance(20)
    with pytest.raises(Throttled) as refused:
        groups.execute(made.id, "up", deadline=Deadline.after(10, world.clock))
    assert refused.value.retry_after == 40
    assert seen(world).desired == 3
    world.advance(refused.value.retry_after)
    groups.execute(made.id, "up", deadline=Deadline.after(10, world.clock))
    assert seen(world).desired == 5


def test_a_wait_for_a_cooldown_can_be_cancelled(world, groups):
    made = groups.create(with_step(), token=token())
    groups.execute(made.id, "up")
    deadline = Deadline.after(1000, world.clock)
    deadline.cancelled.set()
    with pytest.raises(TransientError) as ended:
        groups.execute(made.id, "up", deadline=deadline)
    assert ended.value.code == "cancelled"


def test_steps_stay_within_the_bounds_and_have_names(world, groups):
    made = groups.create(with_step(change=-4), token=token())
    groups.execute(made.id, "up")
    assert seen(world).desired == 1
    with pytest.raises(NotFound):
        groups.execute(made.id, "down")


def test_a_metric_over_its_threshold_takes_a_step_each_cooldown(world, groups):
    made = groups.create(with_step(metric="cpu_percent", threshold=70, change=1), token=token())
    world.advance(100)
    assert seen(world).desired == 1
    world.set_metric(made.id, "cpu_percent", 71)
    assert seen(world).desired == 2
    world.advance(59)
    assert seen(world).desired == 2
    world.advance(1)
    assert seen(world).desired == 3
    world.set_metric(made.id, "cpu_percent", 70)
    world.advance(1000)
    assert seen(world).desired == 3


def test_target_tracking_keeps_the_metric_at_its_target(world, groups):
    policy = {"kind": "target_tracking", "metric": "cpu_percent", "target": 50, "cooldown": 60.0}
    made = groups.create(spec(min=1, desired=2, policies=[policy]), token=token())
    world.set_metric(made.id, "cpu_percent", 90)
    assert seen(world).desired == 4
    world.set_metric(made.id, "cpu_percent", 52)
    world.advance(3600)
    assert seen(world).desired == 4
    world.set_metric(made.id, "cpu_percent", 10)
    assert seen(world).desired == 1
    world.set_metric(made.id, "cpu_percent", 99)
    world.advance(3600)
    assert seen(world).desired == 6


def test_a_scheduled_size_holds_from_its_time_on(world, groups):
    policies = [
        {"kind": "scheduled", "cron": "0 8 * * *", "min": 2, "max": 6, "desired": 4},
        {"kind": "scheduled", "cron": "0 20 * * *", "min": 0, "max": 1},
    ]
    groups.create(spec(min=1, policies=policies), token=token())
    hours = []
    for _ in range(24):
        world.advance(3600)
        hours.append((seen(world).min, seen(world).desired, seen(world).max))
    assert hours == [(1, 1, 6)] * 7 + [(2, 4, 6)] * 12 + [(0, 1, 1)] * 5


def test_a_size_that_is_set_after_a_scheduled_one_stays_until_the_next(world, groups):
    policy = {"kind": "scheduled", "cron": "0 8 * * *", "min": 0, "max": 6, "desired": 4}
    made = groups.create(spec(min=1, policies=[policy]), token=token())
    world.advance(8 * 3600)
    groups.set_desired(made.id, 2)
    world.advance(23 * 3600)
    assert seen(world).desired == 2
    world.advance(3600)
    assert seen(world).desired == 4
