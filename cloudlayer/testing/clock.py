"""A clock for tests in which every pause is short."""

from __future__ import annotations

import threading
import time


class SteppedClock:
    """Real time, but that a sleep of any length takes `step` seconds at most and the clock jumps over the rest."""

    def __init__(self, step: float = 0.005) -> None:
        self._step = step
        self._skipped = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since 1970, with what was skipped."""
        return time.time() + self._skipped

    def monotonic(self) -> float:
        """Steady seconds, with what was skipped."""
        return time.monotonic() + self._skipped

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass on this clock."""
        real = min(seconds, self._step)
        time.sleep(real)
        with self._lock:
            self._skipped += seconds - real
