"""When calls that were seen replace the weight that they were thought to have, such that noise changes no weight.

A pair of functions is watched in stretches. One ends when it took `STRETCH` seconds and there was enough to tell by: `ENOUGH`
calls were seen, or would have been at the weight so far. Then the weight becomes what was seen, if that differs by more than
`STEP` times from it, in calls or in bytes; else it stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STRETCH: Final = 300.0
"""Seconds."""
ENOUGH: Final = 100
"""Calls: their number is known to a tenth then."""
STEP: Final = 1.5


@dataclass(frozen=True, slots=True)
class Weight:
    """Calls a second of one replica of the caller, and bytes both ways of one call."""

    rate: float
    size: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was seen in `seconds`: calls and their bytes, by replicas that served for `replica_seconds` together."""

    seconds: float
    replica_seconds: float
    calls: int
    size: int


def over(seen: Stretch, weight: Weight) -> bool:
    """Whether the stretch tells enough."""
    return seen.seconds >= STRETCH and max(seen.calls, weight.rate * seen.replica_seconds) >= ENOUGH


def weighed(seen: Stretch, weight: Weight) -> Weight:
    """The weight from now on, after a stretch that is over."""
    rate = seen.calls / seen.replica_seconds if seen.replica_seconds else 0.0
    found = Weight(rate, seen.size / seen.calls if seen.calls else weight.size)
    alike = _alike(found.rate, weight.rate) and _alike(found.rate * found.size, weight.rate * weight.size)
    return weight if alike else found


def _alike(first: float, second: float) -> bool:
    return max(first, second) <= STEP * min(first, second)
