"""Cron expressions as Azure's recurrences have them: days of the week, with one hour and one minute each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from cloudlayer.errors import InvalidSpec

_FIELDS: Final = ("minute", "hour", "day", "month", "weekday")
_BOUNDS: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_SHORT: Final = tuple(day[:3].lower() for day in _DAYS)
_PART: Final = re.compile(r"(\*|\d+|\d+-\d+)(?:/(\d+))?")


def recurrences(cron: str) -> list[dict[str, Any]]:
    """The recurrences that stand for a cron expression in UTC, one for each time of the day.

    InvalidSpec, with the mend, for one with days of a month or months, which Azure cannot express.
    """
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        raise _wrong(cron, f"has not the five fields of {', '.join(_FIELDS)}")
    minutes, hours, _, _, weekdays = (
        _values(cron, name, text, bounds) for name, text, bounds in zip(_FIELDS, fields, _BOUNDS, strict=True)
    )
    for name, text in zip(_FIELDS[2:4], fields[2:4], strict=True):
        if text != "*":
            raise _wrong(cron, f'names a {name}, and Azure repeats by days of the week alone: write "*" and give weekdays')
    days = [_DAYS[number] for number in sorted({number % 7 for number in weekdays})]
    return [_recurrence(days, hour, minute) for hour in hours for minute in minutes]


def _recurrence(days: list[str], hour: int, minute: int) -> dict[str, Any]:
    schedule = {"timeZone": "UTC", "days": days, "hours": [hour], "minutes": [minute]}
    return {"frequency": "Week", "schedule": schedule}


def _values(cron: str, name: str, text: str, bounds: tuple[int, int]) -> list[int]:
    """The numbers that a field names, in order."""
    lowered = text.lower()
    if name == "weekday":
        for number, short in enumerate(_SHORT):
            lowered = lowered.replace(short, str(number))
    return sorted({number for part in lowered.split(",") for number in _part(cron, name, part, bounds)})


def _part(cron: str, name: str, text: str, bounds: tuple[int, int]) -> Iterator[int]:
    match = _PART.fullmatch(text)
    if match is None:
        raise _wrong(cron, f'has "{text}" for a {name}')
    span, step = match[1], int(match[2] or 1)
    first, last = _span(span, bounds, stepped=match[2] is not None)
    if not bounds[0] <= first <= last <= bounds[1] or step < 1:
        raise _wrong(cron, f'has "{text}" for a {name}, which is {bounds[0]} to {bounds[1]}')
    return iter(range(first, last + 1, step))


def _span(text: str, bounds: tuple[int, int], *, stepped: bool) -> tuple[int, int]:
    if text == "*":
        return bounds
    first, dash, last = text.partition("-")
    if dash:
        return int(first), int(last)
    return int(first), bounds[1] if stepped else int(first)


def _wrong(cron: str, what: str) -> InvalidSpec:
    return InvalidSpec(f'policies.cron: "{cron}" {what}')
