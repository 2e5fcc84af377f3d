"""Cron expressions as Azure's recurrences have them: days of the week, with one hour and one minute each."""

from __future__ import annotations

from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.base.cron import Cron

_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def recurrences(text: str) -> list[dict[str, Any]]:
    """The recurrences that stand for a cron expression in UTC, one for each time of the day.

    InvalidSpec, with the mend, for one with days of a month or months, which Azure cannot express.
    """
    cron = Cron(text)
    for name, any_of_them in (("day", cron.every_day), ("month", cron.every_month)):
        if not any_of_them:
            mend = 'and Azure repeats by days of the week alone: write "*" and give weekdays'
            raise InvalidSpec(f'policies.cron: "{text}" names a {name}, {mend}')
    days = [_DAYS[number] for number in cron.weekdays]
    return [_recurrence(days, hour, minute) for hour in cron.hours for minute in cron.minutes]


def _recurrence(days: list[str], hour: int, minute: int) -> dict[str, Any]:
    schedule = {"timeZone": "UTC", "days": days, "hours": [hour], "minutes": [minute]}
    return {"frequency": "Week", "schedule": schedule}
