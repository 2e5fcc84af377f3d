"""Trying again: what fails for a while, with back-off; and finding out what became of a write whose answer was lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from cloudlayer.errors import AlreadyExists, Changed, CloudError, NotFound, OutcomeUnknown, Throttled, TransientError

Answer = TypeVar("Answer")

MOST: Final = 8
"""How often a call is tried at most."""
_BACK_OFF: Final = wait_random_exponential(multiplier=0.1, max=5.0)


class NotDone(TransientError):
    """The service refused for the moment, and did nothing of what it was asked for."""


class Attempts:
    """Calls that are tried again for `seconds`, where that may help, and not before the time that the service asked for."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, call: Callable[[], Answer]) -> Answer:
        """What `call` returns, or its last error."""
        tries = Retrying(
            retry=retry_if_exception(_may_help),
            wait=_wait,
            stop=stop_after_attempt(MOST) | stop_before_delay(self._seconds),
            reraise=True,
        )
        return tries(call)

    def write(self, uri: str, write: Callable[[], Answer], ours: Callable[[], Answer | None], *, lost: bool = False) -> Answer:
        """A write under a condition, never told wrongly: after a lost answer, a refusal may be that of what we wrote ourselves.

        `ours` gives the answer if what is there now is what `write` makes, else None. `lost`: an earlier try had no answer.
        """

        def attempt() -> Answer:
            nonlocal lost
            try:
                return write()
            except (AlreadyExists, Changed, NotFound) as refused:
                if not lost or (found := _look(ours)) is None:
                    raise _unknown(uri, refused) if lost else refused from None
                return found
            except TransientError as failed:
                lost = lost or not isinstance(failed, NotDone)
                raise

        try:
            return self(attempt)
        except OutcomeUnknown:
            raise
        except (TransientError, Throttled) as failed:
            if not lost:
                raise
            try:
                found = _look(ours)
            except (TransientError, Throttled):
                found = None
            if found is None:
                raise _unknown(uri, failed) from None
            return found


def _look(ours: Callable[[], Answer | None]) -> Answer | None:
    try:
        return ours()
    except NotFound:
        return None


def _unknown(uri: str, last: CloudError) -> OutcomeUnknown:
    message = "the answer was lost, and what is there now does not tell whether this was done: look before it is tried again"
    return OutcomeUnknown(message, provider=uri, code=last.code, request_id=last.request_id)


def _may_help(error: BaseException) -> bool:
    return isinstance(error, TransientError | Throttled) and not isinstance(error, OutcomeUnknown)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Throttled) else None
    return max(asked or 0.0, _BACK_OFF(state))
