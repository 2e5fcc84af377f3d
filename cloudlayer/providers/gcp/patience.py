"""Calls that Google refuses while something is on its way in or out: made again until it takes them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, TypeVar

from cloudlayer.errors import CloudError
from cloudlayer.interfaces import Clock, Deadline

PAUSE: Final = 2.0
"""Seconds between two tries."""

NOT_READY: Final = ("resourceNotReady", "RESOURCE_NOT_READY")
"""What is being made, changed or deleted takes no other change meanwhile, and can be named by nothing."""
EXISTS: Final = ("alreadyExists", "RESOURCE_ALREADY_EXISTS")
"""The name is taken: by an earlier try, where it follows from a token."""
IN_USE: Final = ("resourceInUseByAnotherResource", "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "resourceInUse", "RESOURCE_IN_USE")
"""Something else names it, so it cannot be deleted."""
STALE: Final = ("conditionNotMet", "CONDITION_NOT_MET")
"""Somebody else changed it since it was read."""

Result = TypeVar("Result")


def insist(call: Callable[[], Result], codes: Collection[str], clock: Clock, deadline: Deadline, doing: str) -> Result:
    """What `call` returns once it is not refused with one of `codes` any more; TransientError if the deadline comes first."""
    while True:
        deadline.check(doing)
        try:
            return call()
        except CloudError as error:
            if error.code not in codes:
                raise
        clock.sleep(min(PAUSE, deadline.remaining()))
