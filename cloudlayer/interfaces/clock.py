"""Time, injected: nothing that decides or waits reads a clock of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from cloudlayer.errors import TransientError


class Clock(Protocol):
    """Seconds since the epoch, a steady count of seconds, and a way to let them pass."""

    def now(self) -> float:
        """Seconds since 1970, as the wall clock has them."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards and go on while the process or the machine is stopped."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class SystemClock:
    """This machine's own clock."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since boot, those of a suspended machine included where the system counts them."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Deadline:
    """A moment by which a call must have ended, and a way to end it sooner from another thread."""

    at: float
    clock: Clock
    cancelled: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def after(cls, seconds: float, clock: Clock | None = None) -> Deadline:
        """A deadline `seconds` from now."""
        clock = clock or SystemClock()
        return cls(clock.monotonic() + seconds, clock)

    def remaining(self) -> float:
        """Seconds that are left, 0 when there are none."""
        return max(0.0, self.at - self.clock.monotonic())

    def check(self, doing: str) -> None:
        """Raise TransientError if time is up or the call was cancelled."""
        if self.cancelled.is_set():
            raise TransientError(f"cancelled while {doing}", code="cancelled")
        if self.remaining() <= 0:
            raise TransientError(f"out of time while {doing}", code="deadline")
