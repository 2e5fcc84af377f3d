"""Scheduled sizes as Google's scaling schedules: at least so many members, for a time from each start.

Ours set the size until the next one sets another. A schedule of Google's has one duration, the greatest of those that overlap
holds, and between them the group's `min` does; it knows neither a `max` nor an exact size. What cannot be said so is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.providers.base.cron import Cron
from cloudlayer.resources import ScalingGroupSpec, ScheduledSize, TargetTrackingPolicy

_SHORTEST: Final = 300
_BEGIN: Final = datetime(2027, 1, 1)
_WEEKS: Final = timedelta(weeks=4)
_YEARS: Final = timedelta(days=5 * 365 + 1)
"""Spans that are long enough to have every distance between two starts: of what is the same each week, and of the rest."""

Gap = tuple[int, int]
"""Seconds from a start to the next one of any schedule, and the size that is set then."""


def scaling_schedules(spec: ScalingGroupSpec) -> dict[str, dict[str, Any]]:
    """The group's schedules in the SDK's names. Raises InvalidSpec or Unsupported for what they cannot say."""
    policies = [policy for policy in spec.policies if isinstance(policy, ScheduledSize)]
    crons = [Cron(policy.cron) for policy in policies]
    for policy in policies:
        _check(policy, spec)
    gaps = _gaps(crons, [_size(policy) for policy in policies])
    return {
        f"scheduled-{fingerprint([policy])}": {
            "schedule": policy.cron,
            "time_zone": "UTC",
            "min_required_replicas": _size(policy),
            "duration_sec": _duration(policy, gaps[number], spec.min),
        }
        for number, policy in enumerate(policies)
    }


def _size(policy: ScheduledSize) -> int:
    return policy.min if policy.desired is None else policy.desired


def _check(policy: ScheduledSize, spec: ScalingGroupSpec) -> None:
    """Raise for bounds that a schedule cannot have. Where nothing else sets the size, it never exceeds what is required."""
    tracks = any(isinstance(other, TargetTrackingPolicy) for other in spec.policies)
    if policy.max > spec.max or _size(policy) < spec.min:
        bounds = f"{spec.min} to {spec.max}"
        raise _refused(f'cron "{policy.cron}" leaves the bounds {bounds}, and a schedule cannot move them: widen the group\'s')
    if tracks and policy.max != spec.max:
        raise _refused(f'cron "{policy.cron}": beside target tracking a schedule cannot lower max: make it {spec.max}')
    if tracks and policy.desired not in (None, policy.min):
        raise _refused(f'cron "{policy.cron}": beside target tracking a schedule sets the least alone: leave desired out')


def _gaps(crons: Sequence[Cron], sizes: Sequence[int]) -> Mapping[int, set[Gap]]:
    """For each schedule, how long it is from its starts to the next one of any, and what comes then."""
    span = _WEEKS if all(cron.every_day and cron.every_month for cron in crons) else _YEARS
    starts = sorted((start, number) for number, cron in enumerate(crons) for start in cron.starts(_BEGIN, _BEGIN + span))
    found: dict[int, set[Gap]] = {number: set() for number in range(len(crons))}
    later: tuple[datetime, int] | None = None
    at: tuple[datetime, int] | None = None
    for start, number in reversed(starts):
        if at is None or start < at[0]:
            later, at = at, (start, sizes[number])
        else:
            at = (start, max(at[1], sizes[number]))  # the greatest of those that begin together holds
        if later is not None:
            found[number].add((int((later[0] - start).total_seconds()), later[1]))
    return found


def _duration(policy: ScheduledSize, gaps: set[Gap], least: int) -> int:
    """For how many seconds the schedule must hold so that its size stays until the next one."""
    if not gaps:
        raise InvalidSpec(f'policies.cron: "{policy.cron}" never comes')
    shortest, longest = min(gaps)[0], max(gaps)[0]
    if shortest < _SHORTEST:
        raise InvalidSpec(f'policies.cron: "{policy.cron}" is followed by another start in less than five minutes')
    size = _size(policy)
    if size == least:
        return shortest  # what holds without any schedule, too
    if any(gap < longest and following < size for gap, following in gaps):
        raise _refused(
            f'cron "{policy.cron}" is to be followed by less after times that differ, and a schedule has one duration: '
            "write its days apart, a policy for each distance"
        )
    return longest


def _refused(reason: str) -> Unsupported:
    return Unsupported(f"policies: {reason}", provider="gcp", code="Unsupported")
