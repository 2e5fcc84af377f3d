"""Cron expressions become recurrences at the same times, or are refused."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.azure.autoscaling.schedules import recurrences

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def numbers(least, most):
    return st.lists(st.integers(least, most), min_size=1, max_size=4, unique=True)


def listed(values):
    return ",".join(map(str, values))


@given(minutes=numbers(0, 59), hours=numbers(0, 23), days=numbers(0, 7))
def test_each_time_of_the_day_is_a_recurrence_on_the_same_days(minutes, hours, days):
    found = recurrences(f"{listed(minutes)} {listed(hours)} * * {listed(days)}")
    times = {(one["schedule"]["hours"][0], one["schedule"]["minutes"][0]) for one in found}
    assert times == set(product(hours, minutes))
    assert len(found) == len(times)
    for one in found:
        assert one["frequency"] == "Week"
        assert one["schedule"]["timeZone"] == "UTC"
        assert set(one["schedule"]["days"]) == {DAYS[day % 7] for day in days}
        assert len(one["schedule"]["hours"]) == len(one["schedule"]["minutes"]) == 1


@pytest.mark.parametrize(
    ("field", "values"),
    [("*/20", {0, 20, 40}), ("5-8", {5, 6, 7, 8}), ("10-20/5", {10, 15, 20}), ("50/5", {50, 55}), ("1,2-3", {1, 2, 3})],
)
def test_steps_and_ranges_are_understood(field, values):
    assert {one["schedule"]["minutes"][0] for one in recurrences(f"{field} 8 * * *")} == values


def test_days_can_be_named():
    (found,) = recurrences("0 8 * * MON,wed-fri")
    assert found["schedule"]["days"] == ["Monday", "Wednesday", "Thursday", "Friday"]


@given(text=st.text(alphabet="0123456789*/,- abc", max_size=20))
def test_whatever_is_written_is_understood_or_refused(text):
    try:
        assert recurrences(text)
    except InvalidSpec as error:
        assert "policies.cron" in str(error)
