"""Cron expressions are read as the clouds read them, and what they do not know is refused."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.base.cron import Cron

MONDAY = datetime(2027, 1, 4)


def test_the_fields_are_told():
    cron = Cron("15,45 */12 * * mon-wed,7")
    assert (cron.minutes, cron.hours, cron.weekdays) == ([15, 45], [0, 12], [0, 1, 2, 3])
    assert cron.every_day and cron.every_month


def test_its_times_are_told():
    found = list(Cron("30 8 * * 1-5").starts(MONDAY, MONDAY + timedelta(weeks=1)))
    assert found == [MONDAY + timedelta(days=day, hours=8, minutes=30) for day in range(5)]


def test_days_of_the_month_and_months_are_said_to_be_named():
    assert not Cron("0 8 1 * *").every_day
    assert not Cron("0 8 * jul *").every_month


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("0 8 * *", "five fields"),
        ("0 0 8 * * *", "five fields"),
        ("60 8 * * *", "bad minute"),
        ("0 8 L * *", "clouds know no"),
        ("0 8 * * 5L", "clouds know no"),
        ("0 8 * * 1#2", "clouds know no"),
        ("0 8 30 2 *", "bad day-of-month"),
    ],
)
def test_what_is_none_is_refused_with_what_is_wrong(text, fault):
    with pytest.raises(InvalidSpec, match=f"policies.cron.*{fault}"):
        Cron(text)


@given(text=st.text(alphabet="0123456789*/,-# LWabcmonj", max_size=20))
def test_whatever_is_written_is_read_or_refused(text):
    try:
        cron = Cron(text)
    except InvalidSpec as error:
        assert "policies.cron" in str(error)
    else:
        assert cron.minutes and cron.hours and cron.weekdays
