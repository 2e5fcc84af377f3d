"""A group's autoscale setting: its bounds, its rules, and the times at which others hold. It has the name of its scale set.

Every group has one, be it without rules: Azure Monitor then keeps the set within the bounds. Its tags are the group's own
labels, without those of the template, and the steps that can be executed by their names, which no rule has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import InvalidSpec, NotFound, Unsupported
from cloudlayer.providers.azure.autoscaling.models import Plan
from cloudlayer.providers.azure.autoscaling.schedules import recurrences
from cloudlayer.providers.azure.marks import read_labels, tags_of
from cloudlayer.resources import ScalingGroupSpec, ScheduledSize, StepPolicy, TargetTrackingPolicy

STEP: Final = "cloudlayer-step-"
"""How the names of the tags begin that hold a step: "CHANGE/COOLDOWN"."""

_CPU: Final = "Percentage CPU"
_GIVES_WAY: Final = 0.75
"""A target is kept by a pair of rules: one member more above it, one less below this share of it."""
_WINDOW: Final = "PT5M"
_MOST_PROFILES: Final = 20
_MOST_RULES: Final = 10
_MOST_TAGS: Final = 50


@dataclass(frozen=True, slots=True)
class Step:
    """A step by its name: how many members more (or less), and for how many seconds no other is taken after it."""

    change: int
    cooldown: float


def check_policies(spec: ScalingGroupSpec) -> None:
    """Raise for policies that Azure has not: InvalidSpec with the mend, or Unsupported."""
    tracked = [policy.metric for policy in spec.policies if isinstance(policy, TargetTrackingPolicy)]
    if "requests_per_target" in tracked:
        reason = "requests_per_target: Azure's balancer passes TCP on and counts no requests: use cpu_percent"
        raise Unsupported(reason, provider="azure", code="Unsupported")
    if len(tracked) > 1:
        raise InvalidSpec("policies: two track the same metric; leave one out")
    if len(list(_rules(spec, ""))) > _MOST_RULES:
        raise InvalidSpec(f"policies: these make more than the {_MOST_RULES} rules that Azure allows: leave some out")
    for policy in spec.policies:
        if isinstance(policy, ScheduledSize) and policy.desired is not None and policy.min != policy.max:
            mend = "leave desired out, or make min and max equal to it"
            raise InvalidSpec(f"policies.desired: at a time of the day Azure sets bounds and no size: {mend}")
    if 1 + sum(len(recurrences(policy.cron)) for policy in _schedules(spec)) > _MOST_PROFILES:
        mend = "give fewer times of the day"
        raise InvalidSpec(f"policies.cron: these make more than the {_MOST_PROFILES} profiles that Azure allows: {mend}")
    if any(name.startswith(STEP) for name in (*spec.labels, *spec.template.labels)):
        raise InvalidSpec(f"labels: names that begin with {STEP} are cloudlayer's own")
    if len(spec.labels) + len(_steps(spec)) > _MOST_TAGS - len((names.TOKEN, names.SPEC, "name", "part of")):
        raise InvalidSpec("policies: labels and steps are more than the tags that Azure allows: leave some out")


def setting_document(plan: Plan, target: str, region: str, *, enabled: bool = True) -> dict[str, Any]:
    """What makes the setting; while it is not `enabled`, Azure Monitor changes nothing."""
    spec = plan.spec
    rules = list(_rules(spec, target))
    profiles = [{"name": "default", "capacity": _capacity(spec.min, spec.max), "rules": rules}]
    for number, policy in enumerate(_schedules(spec)):
        for when in recurrences(policy.cron):
            at = f"{when['schedule']['hours'][0]:02}{when['schedule']['minutes'][0]:02}"
            capacity = _capacity(policy.min, policy.max)
            profiles.append({"name": f"schedule-{number}-{at}", "capacity": capacity, "rules": rules, "recurrence": when})
    steps = {f"{STEP}{name}": f"{step.change}/{step.cooldown:g}" for name, step in _steps(spec).items()}
    return {
        "location": region,
        "tags": {**plan.own_tags, names.SPEC: plan.digest, **steps},
        "properties": {
            "name": plan.name,
            "targetResourceUri": target,
            "targetResourceLocation": region,
            "enabled": enabled,
            "profiles": profiles,
        },
    }


def labels_of(found: Mapping[str, Any]) -> dict[str, str]:
    """The group's labels, from its setting."""
    return {name: value for name, value in read_labels(tags_of(found)).items() if not name.startswith(STEP)}


def bounds_of(found: Mapping[str, Any]) -> tuple[int, int]:
    """The bounds that hold where no time of the day says otherwise."""
    profiles = found["properties"]["profiles"]
    chosen = next((profile for profile in profiles if not profile.get("recurrence")), profiles[0])
    return int(chosen["capacity"]["minimum"]), int(chosen["capacity"]["maximum"])


def moves(found: Mapping[str, Any]) -> bool:
    """Whether Azure Monitor changes the size by itself: by rules, or at times of the day."""
    return any(profile.get("rules") or profile.get("recurrence") for profile in found["properties"]["profiles"])


def is_enabled(found: Mapping[str, Any]) -> bool:
    """Whether Azure Monitor acts on it."""
    return bool(found["properties"].get("enabled", True))


def step_of(found: Mapping[str, Any], group: str, name: str) -> Step:
    """A step by its name; NotFound if the group has none of that name."""
    written = tags_of(found).get(f"{STEP}{name}")
    if written is None:
        raise NotFound(f"group {group} has no step policy {name}", provider="azure", code="PolicyNotFound")
    change, _, cooldown = written.partition("/")
    return Step(int(change), float(cooldown))


def _steps(spec: ScalingGroupSpec) -> dict[str, Step]:
    steps = [policy for policy in spec.policies if isinstance(policy, StepPolicy)]
    return {policy.name: Step(policy.change, policy.cooldown) for policy in steps}


def _schedules(spec: ScalingGroupSpec) -> Sequence[ScheduledSize]:
    return [policy for policy in spec.policies if isinstance(policy, ScheduledSize)]


def _capacity(least: int, most: int) -> dict[str, str]:
    """`default` is what Azure goes up to where it has no figures."""
    return {"minimum": str(least), "maximum": str(most), "default": str(least)}


def _rules(spec: ScalingGroupSpec, target: str) -> Iterator[dict[str, Any]]:
    for policy in spec.policies:
        if isinstance(policy, TargetTrackingPolicy):
            yield _rule(target, "GreaterThan", policy.target, 1, policy.cooldown)
            yield _rule(target, "LessThan", policy.target * _GIVES_WAY, -1, policy.cooldown)
        elif isinstance(policy, StepPolicy) and policy.threshold is not None:
            operator = "GreaterThanOrEqual" if policy.change > 0 else "LessThanOrEqual"
            yield _rule(target, operator, policy.threshold, policy.change, policy.cooldown)


def _rule(target: str, operator: str, threshold: float, change: int, cooldown: float) -> dict[str, Any]:
    """By the average of all members over five minutes, which is Azure's shortest; a cooldown is of whole minutes there."""
    return {
        "metricTrigger": {
            "metricName": _CPU,
            "metricResourceUri": target,
            "timeGrain": "PT1M",
            "statistic": "Average",
            "timeWindow": _WINDOW,
            "timeAggregation": "Average",
            "operator": operator,
            "threshold": threshold,
        },
        "scaleAction": {
            "direction": "Increase" if change > 0 else "Decrease",
            "type": "ChangeCount",
            "value": str(abs(change)),
            "cooldown": f"PT{max(1, math.ceil(cooldown / 60))}M",
        },
    }
