"""Acting by hand: one command at a time writes intents for what belongs to no fleet, and long calls are made in short ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from cloudlayer.errors import LeaseLost, TransientError
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.store import Lease
from cloudlayer.interfaces import Deadline

Answer = TypeVar("Answer")

PATIENCE: Final = 900.0
"""Seconds after which a call that only ever runs out of time is given up."""
_QUEUE: Final = 30.0
"""Seconds to wait for another command that is at work: less than its lease lasts, which it is to lose to nobody."""
_POLL: Final = 0.2


@contextmanager
def acting(fleets: Fleets, fleet: str = BY_HAND) -> Iterator[Lease]:
    """The lease on what is made by hand; another command's is waited for. LeaseLost, with the mend, if it takes too long."""
    lease = Lease(fleets.store.database, fleet, fleets.home.locks, fleets.clock)
    _acquire(lease, fleets)
    try:
        yield lease
    finally:
        lease.release()


def patiently(fleets: Fleets, lease: Lease, call: Callable[[Deadline], Answer]) -> Answer:
    """As `unhurried`, and the lease is kept meanwhile."""

    def renewing(deadline: Deadline) -> Answer:
        lease.renew()
        return call(deadline)

    return unhurried(fleets, renewing)


def unhurried(fleets: Fleets, call: Callable[[Deadline], Answer]) -> Answer:
    """The call's answer. One that runs out of time is made again, up to PATIENCE in all: its next call goes on with it."""
    until = fleets.clock.monotonic() + PATIENCE
    while True:
        try:
            return call(fleets.clouds.deadline())
        except TransientError as error:
            if error.code != "deadline" or fleets.clock.monotonic() >= until:
                raise


def _acquire(lease: Lease, fleets: Fleets) -> None:
    until = fleets.clock.monotonic() + _QUEUE
    while True:
        try:
            lease.acquire(f"process {os.getpid()}")
        except LeaseLost as error:
            if lease.fleet != BY_HAND:
                raise LeaseLost(f"fleet {lease.fleet} is being served, and mends itself: {error}") from None
            if fleets.clock.monotonic() >= until:
                raise LeaseLost(f"another command is at work on what was made by hand; try again: {error}") from None
            fleets.clock.sleep(_POLL)
        else:
            return
