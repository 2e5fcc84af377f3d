"""What a call waits by that wants a place, and what it hears if there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from .envelope import CallError
from .messages import Elsewhere, Refusal
from .places import Lease


@dataclass(eq=False, slots=True)
class Wanting:
    """A call that wants a place; `since` and `deadline` are by the event loop's clock."""

    key: str
    reference: str
    since: float
    deadline: float
    again: bool
    answer: asyncio.Future[Lease | Elsewhere]

    def refuse(self, refusal: Refusal) -> None:
        """The gateway says that there will be no place."""
        kind, message, status = refusal.error_type, refusal.message, refusal.status
        self.fail(CallError(kind, message, status=status, code=refusal.code, retry_after=refusal.retry_after))

    def fail(self, error: CallError) -> None:
        """There will be no place."""
        if not self.answer.done():
            self.answer.set_exception(error)


Waiting = Callable[[Wanting | None], None]


def away() -> CallError:
    """What calls get that waited in vain for the gateway."""
    return CallError("UnavailableError", "this machine has no connection to the gateway: try again", status=503, retry_after=1)


def never_started(key: str) -> CallError:
    """What a call hears whose time is over before a replica has it."""
    return CallError("TimeoutError", f"the call's time was over before {key} had room for it; it never started")
