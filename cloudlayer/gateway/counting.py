"""Which version called which function how often: two additions a call."""

from __future__ import annotations

from typing import Final

from cloudlayer.fleet.routes import CallCount

TOLD_SECONDS: Final = 5.0


class CallCounts:
    """Counts since the start. They are told every five seconds, not with every change of the load."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._due = 0.0

    def count(self, caller: str, callee: str, size: int) -> None:
        """One call was answered; `size` is its bytes both ways."""
        entry = self._counts.get((caller, callee))
        if entry is None:
            entry = self._counts[caller, callee] = [0, 0]
        entry[0] += 1
        entry[1] += size

    def told(self, now: float) -> tuple[CallCount, ...]:
        """What there is to tell at the time `now`, in seconds of any clock; nothing if some was told just before."""
        if now < self._due:
            return ()
        self._due = now + TOLD_SECONDS
        return tuple(CallCount(*pair, *entry) for pair, entry in self._counts.items())
