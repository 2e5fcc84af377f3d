"""Semantic versions, and the patterns that callers name them by: exact, `1.2.*`, `1.*`, or none for the latest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering
from typing import Final

_VERSION: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
_PATTERN: Final = re.compile(r"(0|[1-9]\d*)\.(?:(0|[1-9]\d*)\.)?\*", re.ASCII)


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """major.minor.patch, ordered by number and not by text."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """A version from "1.0.4"; ValueError with the mend if it is none."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f'"{text}" is not a version: write major.minor.patch, as in "1.0.4"')
        return cls(*(int(part) for part in match.groups()))

    def __lt__(self, other: Version) -> bool:
        return (self.major, self.minor, self.patch) < (other.major, other.minor, other.patch)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def select(wanted: str | None, versions: Iterable[str]) -> str | None:
    """The newest of `versions` that `wanted` admits, or None. `wanted` of None admits all; one that is no pattern, none."""
    matching = sorted(Version.parse(text) for text in versions if _admits(wanted, text))
    return str(matching[-1]) if matching else None


def _admits(wanted: str | None, version: str) -> bool:
    if wanted is None or wanted == version:
        return True
    match = _PATTERN.fullmatch(wanted)
    if match is None:
        return False
    parsed, (major, minor) = Version.parse(version), match.groups()
    return parsed.major == int(major) and (minor is None or parsed.minor == int(minor))
