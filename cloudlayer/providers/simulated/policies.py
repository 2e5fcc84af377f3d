"""When a simulated group's policies change its size: at scheduled times, and while a metric is out of bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from cronsim import CronSim, CronSimError

from cloudlayer.errors import RejectedSpec
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.resources import ScalingGroupSpec, ScheduledSize, StepPolicy, TargetTrackingPolicy
from cloudlayer.runtime.simulated.things import GroupRecord

TRACKING: Final = "target tracking"
TOLERANCE: Final = 0.1
"""By how much a tracked metric may miss its target, so that a group does not swing."""


def check(spec: ScalingGroupSpec) -> None:
    """Raise RejectedSpec for a cron expression that is none."""
    for policy in _scheduled(spec):
        try:
            _occurrences(policy, 0.0)
        except CronSimError as error:
            message = f'cron: "{policy.cron}" is no time: {error}; give minute, hour, day, month and day of the week'
            raise RejectedSpec(message, provider=PROVIDER, code="NoSuchTime") from None


def apply(group: GroupRecord, spec: ScalingGroupSpec, now: float) -> None:
    """Take the sizes that were scheduled until now, and those that the metrics ask for."""
    for policy in _scheduled(spec):
        if _next_time(policy, group["seen_at"]) <= now:
            wanted = group["desired"] if policy.desired is None else policy.desired
            group["min"], group["max"] = policy.min, policy.max
            group["desired"] = bounded(group, wanted)
    group["seen_at"] = now
    for key, wanted, cooldown in _wanted(group, spec):
        if now >= group["cooling"].get(key, now) and wanted != group["desired"]:
            group["desired"] = wanted
            group["cooling"][key] = now + cooldown


def next_at(group: GroupRecord, spec: ScalingGroupSpec, now: float) -> Iterator[float]:
    """The moments after now at which a policy may change the size."""
    for policy in _scheduled(spec):
        yield _next_time(policy, now)
    for key, wanted, _ in _wanted(group, spec):
        if wanted != group["desired"]:
            yield group["cooling"].get(key, now)


def step(group: GroupRecord, policy: StepPolicy, now: float) -> None:
    """Take the policy's step."""
    group["desired"] = bounded(group, group["desired"] + policy.change)
    group["cooling"][policy.name] = now + policy.cooldown


def bounded(group: GroupRecord, size: int) -> int:
    """The size, or the bound that it crosses."""
    return max(group["min"], min(size, group["max"]))


def _wanted(group: GroupRecord, spec: ScalingGroupSpec) -> Iterator[tuple[str, int, float]]:
    """(policy, size, seconds of rest afterwards) of each that a metric has spoken to."""
    metrics = group["metrics"]
    tracked = [policy for policy in spec.policies if isinstance(policy, TargetTrackingPolicy) and policy.metric in metrics]
    if tracked:
        sizes = [_tracked_size(group, metrics[policy.metric] / policy.target) for policy in tracked]
        yield TRACKING, max(sizes), max(policy.cooldown for policy in tracked)
    for policy in spec.policies:
        if isinstance(policy, StepPolicy) and policy.metric in metrics and policy.threshold is not None:
            value = metrics[policy.metric]
            crossed = value > policy.threshold if policy.change > 0 else value < policy.threshold
            yield policy.name, bounded(group, group["desired"] + policy.change * crossed), policy.cooldown


def _tracked_size(group: GroupRecord, load: float) -> int:
    if abs(load - 1) <= TOLERANCE:
        return group["desired"]
    return bounded(group, math.ceil(group["desired"] * load))


def _scheduled(spec: ScalingGroupSpec) -> Iterator[ScheduledSize]:
    return (policy for policy in spec.policies if isinstance(policy, ScheduledSize))


def _next_time(policy: ScheduledSize, after: float) -> float:
    occurrence = next(_occurrences(policy, after), None)
    return math.inf if occurrence is None else occurrence.timestamp()


def _occurrences(policy: ScheduledSize, after: float) -> CronSim:
    if len(policy.cron.split()) != 5:
        raise CronSimError("five fields are wanted")
    return CronSim(policy.cron, datetime.fromtimestamp(after, UTC))
