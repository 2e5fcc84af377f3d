"""What may be tried again: calls that broke off and do no harm twice, with more and more time in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from cloudlayer.errors import OutcomeUnknown, Throttled, TransientError

_TRIES: Final = 4
_LONGEST_WAIT: Final = 30.0
_BACK_OFF: Final = wait_random_exponential(multiplier=0.2, max=2.0)

Result = TypeVar("Result")


class _Trying(threading.local):
    """Whether this thread is in a call that is tried again as a whole; what is within it is then tried once."""

    now = False


_TRYING: Final = _Trying()


def retried(call: Callable[[], Result]) -> Result:
    """What `call` gives, which is tried four times while it is throttled or broken off; then its last error."""
    if _TRYING.now:
        return call()
    _TRYING.now = True
    try:
        return _RETRYING.copy()(call)
    finally:
        _TRYING.now = False


def _may_go_through(error: BaseException) -> bool:
    return isinstance(error, TransientError | Throttled) and not isinstance(error, OutcomeUnknown)


def _wait(state: RetryCallState) -> float:
    """Seconds: what the server asked for, at most half a minute of it, or else longer each time."""
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, Throttled) and error.retry_after is not None:
        return min(error.retry_after, _LONGEST_WAIT)
    return _BACK_OFF(state)


_RETRYING: Final = Retrying(
    retry=retry_if_exception(_may_go_through), stop=stop_after_attempt(_TRIES), wait=_wait, reraise=True
)
