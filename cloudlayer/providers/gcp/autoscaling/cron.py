"""When a cron expression fires: five fields, in UTC, as Google's autoscaler reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cloudlayer.errors import InvalidSpec

_START: Final = datetime(2027, 1, 1)
_WEEKS: Final = 4
_YEARS: Final = 5
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, slots=True)
class Cron:
    """The values of each field. A day is one of `days` and of `weekdays`; where both are limited, of either."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None

    def starts(self, years: bool) -> Iterator[datetime]:
        """Its times in a span that is long enough to have every distance between two of them: in weeks, or in years."""
        span = 365 * _YEARS + 1 if years else 7 * _WEEKS
        for number in range(span):
            day = _START + timedelta(days=number)
            if self._is_on(day):
                yield from (day.replace(hour=hour, minute=minute) for hour in self.hours for minute in self.minutes)

    @property
    def is_weekly(self) -> bool:
        """Whether it is the same every week."""
        return self.days is None and self.months is None

    def _is_on(self, day: datetime) -> bool:
        if self.months is not None and day.month not in self.months:
            return False
        weekday = (day.weekday() + 1) % 7
        limits = [
            value in allowed for value, allowed in ((day.day, self.days), (weekday, self.weekdays)) if allowed is not None
        ]
        return any(limits) if limits else True


def parse_cron(text: str) -> Cron:
    """The expression's fields; InvalidSpec, with what is wrong, for one that is none."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise InvalidSpec(f'policies.cron: "{text}" has not the five fields of minute, hour, day, month, weekday')
    values = [_values(text, field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = values
    week = frozenset(value % 7 for value in weekdays) if weekdays is not None else None
    return Cron(_all(minutes, 60), _all(hours, 24), _set(days), _set(months), week)


_FIELDS: Final[tuple[tuple[int, int, tuple[str, ...]], ...]] = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 7, _DAYS),
)


def _all(values: list[int] | None, count: int) -> tuple[int, ...]:
    return tuple(range(count)) if values is None else tuple(sorted(set(values)))


def _set(values: list[int] | None) -> frozenset[int] | None:
    return None if values is None else frozenset(values)


def _values(text: str, field: str, least: int, most: int, names: tuple[str, ...]) -> list[int] | None:
    """The values of one field; None for all."""
    if field == "*":
        return None
    found: list[int] = []
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = least if span == "*" else _number(text, first, least, names)
        end = _number(text, last, least, names) if dash else (most if slash or span == "*" else start)
        width = _number(text, step, least, ()) if slash else 1
        if not least <= start <= end <= most or width < 1:
            raise InvalidSpec(f'policies.cron: "{text}": {part} is outside of {least} to {most}')
        found += range(start, end + 1, width)
    return found


def _number(text: str, word: str, least: int, names: tuple[str, ...]) -> int:
    if word.lower() in names:
        return names.index(word.lower()) + least
    if not word.isdecimal():
        raise InvalidSpec(f'policies.cron: "{text}": "{word}" is no number')
    return int(word)
