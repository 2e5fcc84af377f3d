"""Target concurrency with scale to zero: as many replicas as the calls need at so many calls each.

The form is that of Knative's pod autoscaler (KPA, knative.dev/docs/serving/autoscaling): ceil(concurrency / target), clamped
to what the user allows, with a delay before going down. It differs where the gateway knows more than Knative's metrics do:

- KPA averages over windows (60 s, and 6 s in a panic) since it samples replicas. Our gateway pushes the calls in flight and
  waiting as they are, so the way up needs no window and no panic mode: the first call that waits counts at once.
- KPA aims at 70 % of a replica's concurrency and limits how fast it grows. Here `concurrency` is the target itself, waiting
  calls count whole, and only `max` limits the growth.
- KPA's delay before going down and its grace before zero are two settings. Here one, `idle`, does both: a replica ends when
  it was not needed at any time in the last `idle` seconds.

The largest need of the last `idle` seconds is kept exactly, and in little room, as its `Peak`s: only needs that no later one
exceeds, oldest and largest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

from cloudlayer.units import format_duration


@dataclass(frozen=True, slots=True)
class Observed:
    """What one version carries: calls in flight, calls that wait, and seconds since the last one ended (inf: none known)."""

    in_flight: int
    waiting: int
    idle_seconds: float = inf


@dataclass(frozen=True, slots=True)
class Target:
    """At least `min`, at most `max` replicas, each with `concurrency` calls; one not needed for `idle` seconds ends."""

    min: int
    max: int
    concurrency: int
    idle: float


@dataclass(frozen=True, slots=True)
class Peak:
    """A number of replicas that was needed, and when it last was, in seconds of a steady clock."""

    replicas: int
    at: float


@dataclass(frozen=True, slots=True)
class Want:
    """How many replicas there should be and why. `peaks` is the history to hand to the next decision of this version.

    `changes_at` is when fewer will be wanted if no call comes, on the same clock; None if only calls can change it.
    """

    replicas: int
    why: str
    peaks: tuple[Peak, ...]
    changes_at: float | None


def want(observed: Observed, target: Target, current: int, *, now: float, peaks: Sequence[Peak] = ()) -> Want:
    """How many replicas to have, of `current` that there are or are being started; `now` is of a steady clock.

    Without a history, as after a restart, `current` counts as needed just now: nothing ends before `idle` seconds are seen.
    """
    calls = observed.in_flight + observed.waiting
    needed = ceil(calls / target.concurrency)
    # A call shorter than the time between two decisions shows in the idle time alone.
    seen = [Peak(min(needed, target.max), now), Peak(1, now - observed.idle_seconds)]
    history = _largest([*(peaks or [Peak(current, now)]), *seen], since=now - target.idle)
    sizes = [_clamped(peak.replicas, target) for peak in history]
    why = _why(calls, needed, sizes[0], target)
    return Want(sizes[0], why, history, _changes_at(history, sizes, target))


def _largest(peaks: Sequence[Peak], since: float) -> tuple[Peak, ...]:
    """Those after `since` that no later one equals or exceeds: the oldest, which is the largest, first."""
    kept: list[Peak] = []
    for peak in sorted(peaks, key=lambda each: (-each.at, -each.replicas)):
        if peak.at > since and (not kept or peak.replicas > kept[-1].replicas):
            kept.append(peak)
    return tuple(reversed(kept))


def _changes_at(history: Sequence[Peak], sizes: Sequence[int], target: Target) -> float | None:
    lasting = [peak for peak, size in zip(history, sizes, strict=True) if size == sizes[0]]
    return lasting[-1].at + target.idle if len(lasting) < len(history) else None


def _clamped(replicas: int, target: Target) -> int:
    return max(target.min, min(replicas, target.max))


def _why(calls: int, needed: int, replicas: int, target: Target) -> str:
    told = f"{calls} call{'s' * (calls != 1)} at {target.concurrency} a replica need {needed}"
    if needed > target.max:
        return f"{told}, max is {target.max}"
    if needed == replicas:
        return told if calls else "no calls"
    if replicas == target.min:
        return f"{told}, min is {target.min}"
    return f"{told}, {replicas} were needed within the last {format_duration(target.idle)}"
