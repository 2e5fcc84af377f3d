"""Versions whose replicas fail before they ever serve: each failure in a row doubles the time until the next try."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cloudlayer.fleet.store import ReplicaRow, ReplicaRowState
from cloudlayer.interfaces import ReplicaExit

FIRST: Final = 1.0
LONGEST: Final = 60.0
PROBATION: Final = 60
"""For so many times its pause a version that failed has nobody end, and nothing moved, for its sake."""
FAILURES: Final = (
    ReplicaExit.FAILED_TO_LOAD,
    ReplicaExit.CRASHED,
    ReplicaExit.OUT_OF_MEMORY,
    ReplicaExit.OUT_OF_GPU_MEMORY,
)


@dataclass(frozen=True, slots=True)
class Pause:
    """No replica is started before `until`, for the reason that the last one failed for; probation ends at `trusted`."""

    until: float
    reason: str
    trusted: float


def pause(latest: Sequence[ReplicaRow]) -> Pause | None:
    """The pause after the failures at the head of `latest` (newest first); None if the newest did not fail to come up."""
    failed = list(_failures(latest))
    if not failed:
        return None
    tries = len({row.gang or row.id for row in failed})
    seconds, since = min(FIRST * 2 ** (tries - 1), LONGEST), failed[0].changed_at
    return Pause(since + seconds, failed[0].reason, since + PROBATION * seconds)


def _failures(latest: Sequence[ReplicaRow]) -> Iterable[ReplicaRow]:
    """Rows in a row of the same form that ended without having been ready."""
    for row in latest:
        over = row.state in (ReplicaRowState.STOPPING, ReplicaRowState.ENDED)
        if row.gang is not None and over and row.exit in (None, ReplicaExit.STOPPED):
            continue  # it ended with its gang, and what failed is told by another row
        if not over or row.address is not None or row.exit not in FAILURES or row.digest != latest[0].digest:
            return
        yield row
