"""Trying again, for throttling and passing faults alone: any other error, a lack of capacity above all, is an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from cloudlayer.errors import Throttled, TransientError
from cloudlayer.interfaces import Clock, Deadline, SystemClock

CALL_SECONDS: Final = 80.0
"""A call without a deadline begins nothing new after so many seconds: its last try ends within the contract's two minutes."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Retries:
    """At most `attempts` tries; pauses grow from about `first` to at most `longest` seconds, with full jitter."""

    attempts: int = 6
    first: float = 0.5
    longest: float = 15.0
    clock: Clock = field(default_factory=SystemClock)

    def deadline(self, deadline: Deadline | None) -> Deadline:
        """The caller's deadline, or that of a call without one."""
        return deadline or Deadline.after(CALL_SECONDS, self.clock)

    def run(self, call: Callable[[], Result], *, doing: str, deadline: Deadline | None = None) -> Result:
        """What `call` returns, or the error of its last try. `doing` completes "out of time while …".

        A pause that would outlast the deadline is not begun. `retry_after` of the cloud is honoured as the least pause.
        """
        bound = self.deadline(deadline)
        pause = wait_random_exponential(multiplier=self.first, max=self.longest)

        def checked() -> Result:
            bound.check(doing)
            return call()

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, Throttled) else None
            return max(asked or 0.0, pause(state))

        def stop(state: RetryCallState) -> bool:
            late = state.upcoming_sleep >= bound.remaining()
            return late or bound.cancelled.is_set() or state.attempt_number >= self.attempts

        passing = retry_if_exception_type((Throttled, TransientError))
        retrying = Retrying(sleep=self.clock.sleep, retry=passing, wait=wait, stop=stop, reraise=True)
        return retrying(checked)
