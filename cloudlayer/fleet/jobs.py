"""Work under way on other threads: which machines and replicas it is about, and when what failed may be tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from typing import Final

from cloudlayer.errors import CloudLayerError, LeaseLost, Throttled, TransientError
from cloudlayer.interfaces import Clock

AGAIN_AFTER: Final = 2.0
"""Seconds before something that failed for the moment, or takes its time, is done again; doubled with each failure."""
UNFORESEEN_AFTER: Final = 10.0
"""The same for an error that says nothing of passing."""
LONGEST: Final = 60.0
THREADS: Final = 64
"""How many jobs run at once: more than the largest gang has members, since these may wait for each other to start."""

Complain = Callable[[str, CloudLayerError], None]


class Jobs:
    """At most one job for each subject at a time. `complain` hears of every failure, `wake` of every end."""

    def __init__(self, executor: Executor, clock: Clock, complain: Complain, wake: Callable[[], None]) -> None:
        self._executor = executor
        self._clock = clock
        self._complain = complain
        self._wake = wake
        self._busy: set[str] = set()
        self._resting: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._lock = threading.Lock()
        self._broken: BaseException | None = None

    def submit(self, subjects: Iterable[str], work: Callable[[], object]) -> None:
        """Do `work`, unless one of its subjects is being worked on."""
        about = frozenset(subjects)
        with self._lock:
            if about & self._busy:
                return
            self._busy |= about
        self._executor.submit(work).add_done_callback(lambda done: self._ended(about, done))

    def busy(self) -> frozenset[str]:
        """What is worked on right now."""
        with self._lock:
            return frozenset(self._busy)

    def resting(self) -> frozenset[str]:
        """What is not to be touched for the moment."""
        now = self._clock.monotonic()
        with self._lock:
            self._resting = {subject: until for subject, until in self._resting.items() if until > now}
            return frozenset(self._resting)

    def rest(self, subject: str, seconds: float = AGAIN_AFTER) -> None:
        """Leave a subject alone for a while."""
        with self._lock:
            self._resting[subject] = self._clock.monotonic() + seconds

    def check(self) -> None:
        """Raise what no job could go on after: the lease is lost, or the store cannot be written."""
        if self._broken is not None:
            raise self._broken

    def _ended(self, subjects: frozenset[str], done: Future[object]) -> None:
        try:
            self._judge(subjects, done.exception())
        except BaseException as error:
            self._broken = error  # raised here it would be swallowed; `check` raises it where it counts
        with self._lock:
            self._busy -= subjects
        self._wake()

    def _judge(self, subjects: frozenset[str], error: BaseException | None) -> None:
        first = min(subjects)
        if error is None:
            self._failures.pop(first, None)
            return
        if isinstance(error, LeaseLost) or not isinstance(error, Exception):
            raise error
        failures = self._failures[first] = self._failures.get(first, 0) + 1
        least = AGAIN_AFTER if isinstance(error, TransientError | Throttled) else UNFORESEEN_AFTER
        pause = min(least * 2 ** (failures - 1), LONGEST)
        if isinstance(error, Throttled) and error.retry_after:
            pause = max(pause, error.retry_after)
        for subject in subjects:
            self.rest(subject, pause)
        self._complain(first, error if isinstance(error, CloudLayerError) else unforeseen(error))


def unforeseen(error: Exception) -> CloudLayerError:
    """An error that nobody raised on purpose, as one of ours."""
    return CloudLayerError(f"{type(error).__name__}: {error}; this is a fault of cloudlayer's own, please report it")
