"""Cron expressions in the form that every cloud reads: minute, hour, day, month and day of the week, in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from cronsim import CronSim, CronSimError

from cloudlayer.errors import InvalidSpec

_FIELDS: Final = 5
_ANY_DAY: Final = datetime(2027, 1, 1)
_EXTENSIONS: Final = ((2, "LW"), (4, "L#"))
"""By field, signs of some crons ("the last day") that no cloud's scheduler knows."""


class Cron:
    """A cron expression. Raises InvalidSpec, with what is wrong, for one that is none.

    `minutes`, `hours` and `weekdays` (0 is Sunday) are the values that it names, in order; `every_day` and `every_month` say
    that it names no days of the month and no months.
    """

    def __init__(self, text: str) -> None:
        fields = text.upper().split()
        if len(fields) != _FIELDS:
            raise InvalidSpec(f'policies.cron: "{text}" has not the five fields of minute, hour, day, month, weekday')
        for place, signs in _EXTENSIONS:
            if any(sign in fields[place] for sign in signs):
                raise InvalidSpec(f'policies.cron: "{text}": clouds know no "{fields[place]}": give numbers, lists and ranges')
        try:
            read = CronSim(text, _ANY_DAY)
        except CronSimError as error:
            raise InvalidSpec(f'policies.cron: "{text}" is no time: {str(error).lower()}') from None
        self._text = text
        self.minutes = sorted(read.minutes)
        self.hours = sorted(read.hours)
        self.weekdays = sorted({int(str(day)) % 7 for day in read.weekdays})
        self.every_day = fields[2] == "*"
        self.every_month = fields[3] == "*"

    def starts(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """Its times after one moment and before another."""
        for at in CronSim(self._text, since):
            if at >= until:
                return
            yield at
