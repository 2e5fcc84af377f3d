"""Scheduled sizes: what Google's scaling schedules can say is said, and what they cannot is refused with the reason."""

import pytest

from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.providers.gcp.autoscaling.schedules import scaling_schedules
from cloudlayer.resources import InstanceSpec, ScalingGroupSpec, ScheduledSize, TargetTrackingPolicy

HOUR = 3600
TRACKING = TargetTrackingPolicy(metric="cpu_percent", target=50)


def schedules(*policies, least=0, most=5):
    spec = ScalingGroupSpec(name="web", template=InstanceSpec(), min=least, max=most, policies=policies)
    return list(scaling_schedules(spec).values())


def at(cron, size, most=5, desired=None):
    return ScheduledSize(cron=cron, min=size, max=most, desired=desired)


def durations(*policies, **bounds):
    return [schedule["duration_sec"] for schedule in schedules(*policies, **bounds)]


def test_a_size_holds_until_the_next_start():
    (schedule,) = schedules(at("0 8 * * *", 3))
    assert schedule == {"schedule": "0 8 * * *", "time_zone": "UTC", "min_required_replicas": 3, "duration_sec": 24 * HOUR}
    assert durations(at("0 8 * * *", 3), at("0 20 * * *", 1)) == [12 * HOUR, 12 * HOUR]


def test_desired_is_the_size_where_nothing_else_sets_it():
    (schedule,) = schedules(at("0 8 * * *", 1, desired=4))
    assert schedule["min_required_replicas"] == 4


def test_weekdays_up_and_down_to_the_least_leave_the_weekend_to_the_group():
    assert durations(at("0 8 * * 1-5", 5), at("0 18 * * mon-fri", 0)) == [10 * HOUR, 14 * HOUR]


def test_what_is_followed_by_as_much_or_more_lasts_for_the_longest_distance():
    assert durations(at("0 8 * * 1-5", 5)) == [72 * HOUR]
    assert durations(at("0 0 1 * *", 2)) == [31 * 24 * HOUR]


def test_starts_at_the_same_time_are_one_and_the_greater_holds():
    assert durations(at("0 8 * * *", 3), at("0 8 * * 1", 5)) == [24 * HOUR, 24 * HOUR]


def test_a_year_with_a_leap_day_is_seen():
    assert durations(at("0 0 1 1 *", 2)) == [366 * 24 * HOUR]


@pytest.mark.parametrize(
    ("policies", "reason"),
    [
        ([at("0 8 * * 1-5", 5), at("0 18 * * 5", 0)], "a schedule has one duration"),
        ([at("0 8 * * *", 3, most=6)], "leaves the bounds 1 to 5"),
        ([at("0 8 * * *", 0)], "leaves the bounds 1 to 5"),
        ([TRACKING, at("0 8 * * *", 3, most=4)], "cannot lower max: make it 5"),
        ([TRACKING, at("0 8 * * *", 2, desired=3)], "sets the least alone: leave desired out"),
    ],
)
def test_what_a_schedule_cannot_say_is_unsupported(policies, reason):
    with pytest.raises(Unsupported) as caught:
        schedules(*policies, least=0 if "duration" in reason else 1)
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("cron", "fault"),
    [
        ("0 8 * *", "not the five fields"),
        ("60 8 * * *", "bad minute"),
        ("0 8-6 * * *", "bad hour"),
        ("0 8 * foo *", "bad month"),
        ("*/0 8 * * *", "bad minute"),
        ("0 8 L * *", "clouds know no"),
        ("*/2 * * * *", "less than five minutes"),
        ("0 0 30 2 *", "bad day-of-month"),
    ],
)
def test_what_is_no_cron_of_googles_is_refused(cron, fault):
    with pytest.raises(InvalidSpec, match=fault.replace("(", "")):
        schedules(at(cron, 1))


def test_a_day_of_the_month_or_of_the_week_is_enough_where_both_are_given():
    assert durations(at("0 0 1 * 1", 2)) == [7 * 24 * HOUR]
    assert durations(at("0 12 * jan,jul *", 2)) == [184 * 24 * HOUR - 30 * 24 * HOUR]


def test_steps_and_lists_are_read():
    assert durations(at("15,45 */6 * * *", 2)) == [5.5 * HOUR]
    assert durations(at("0 0-12/4 * * 7", 2)) == [7 * 24 * HOUR - 12 * HOUR]
