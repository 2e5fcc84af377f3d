"""Calls that a cloud refuses while an earlier change is under way: made again until it takes them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, TypeVar

from cloudlayer.errors import CloudError
from cloudlayer.interfaces import Clock, Deadline

PAUSE: Final = 2.0
"""Seconds between two tries."""

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
