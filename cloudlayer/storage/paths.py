"""What lies below what: the one rule by which objects are opened to those who ask for them by name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from cloudlayer.errors import InvalidSpec
from cloudlayer.storage.uri import Location

_SLASHES: Final = re.compile(r"[/\\]")
_DOTS: Final = frozenset({".", ".."})
_MOST_ENCODINGS: Final = 4


def check_segments(key: str) -> None:
    """InvalidSpec for a key that some server could take for one elsewhere: one with "." or ".." between its slashes.

    Stores take keys literally. What is behind them may not: web servers decode what was encoded, some more than once, take a
    backslash for a slash, or cut a segment at its semicolon.
    """
    text = key
    for _ in range(_MOST_ENCODINGS):
        if not _DOTS.isdisjoint(segment.partition(";")[0] for segment in _SLASHES.split(text)):
            raise InvalidSpec(f'"{key[:200]}" is no name here: no part between slashes may be "." or "..", encoded or not')
        decoded = unquote(text)
        if decoded == text:
            return
        text = decoded
    raise InvalidSpec(f'"{key[:200]}" is no name here: it is encoded more than {_MOST_ENCODINGS - 1} times')


def holds(prefix: Location, location: Location) -> bool:
    """Whether a location, aliases resolved, is the one of `prefix` or below it: whole segments count, and texts do not."""
    if (prefix.account, prefix.authority) != (location.account, location.authority):
        return False
    return location.key == prefix.key or location.key.startswith(folder(prefix).key)


def folder(location: Location) -> Location:
    """The folder of that name: with a slash at its end, unless it is the whole store."""
    key = location.key
    return location if not key or key.endswith("/") else replace(location, key=f"{key}/")
