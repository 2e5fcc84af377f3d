"""What a group is to be: its native name, the names of its templates, and what stands in its manager's description.

A template's name ends in two digests: of what members are made from, and of their labels besides. Where the first is another
than that of a member's template, the member is to be replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from cloudlayer import labels as names
from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.providers.base.attempts import fingerprint, native_name
from cloudlayer.providers.gcp.autoscaling.schedules import scaling_schedules
from cloudlayer.providers.gcp.client import basename
from cloudlayer.providers.gcp.compute.properties import checked_overrides
from cloudlayer.providers.gcp.facts import describe
from cloudlayer.providers.gcp.firewall import Opening, openings
from cloudlayer.providers.gcp.marks import marked
from cloudlayer.providers.gcp.options import GroupOverrides, InstanceOverrides
from cloudlayer.resources import ScalingGroupSpec, ScheduledSize, StepPolicy, TargetTrackingPolicy

PREFIX: Final = "cl-group-"
"""How the names of all that is made for groups begin."""
UTILIZATION: Final = 0.8
"""How full of what its balancer lets it take a member is kept."""

_LONGEST_BASE: Final = 58
_DIGITS: Final = 16
_DIGEST: Final = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """A group in a region. `labels` are on all that is made for it, its members too; `made_for` is its creation's digest."""

    id: str
    region: str
    spec: ScalingGroupSpec
    overrides: GroupOverrides
    launch: InstanceOverrides
    opened: tuple[Opening, ...]
    labels: dict[str, str]
    made_for: str
    template: str

    @property
    def base_name(self) -> str:
        """How the names of its members begin."""
        return native_name(self.spec.name, self.labels[names.TOKEN], _LONGEST_BASE)

    @property
    def autoscales(self) -> bool:
        """Whether an autoscaler sets its size."""
        return any(isinstance(policy, TargetTrackingPolicy | ScheduledSize) for policy in self.spec.policies)

    def described(self, **more: Any) -> str:
        """The description of its manager, with these facts besides those of the spec."""
        steps = {
            policy.name: [policy.change, policy.cooldown] for policy in self.spec.policies if isinstance(policy, StepPolicy)
        }
        facts = {"min": self.spec.min, "max": self.spec.max, "steps": steps, "region": self.region}
        return describe({**self.labels, names.SPEC: self.made_for}, {**facts, **more})


def group_id(token: str) -> str:
    """The native name of the group of a token."""
    return f"{PREFIX}{UUID(token).hex[:_DIGITS]}"


def owner_of(name: str) -> str:
    """The id of the group that a piece of this name is of."""
    return name[: len(PREFIX) + _DIGITS]


def content_of(template: str) -> str:
    """Of a template, by its name or URL, the digest of what members are made from."""
    return "-".join(basename(template).split("-")[:-1])


def planned(
    spec: ScalingGroupSpec, token: str, overrides: GroupOverrides, region: str, *, id: str, made_for: str | None = None
) -> Plan:
    """The plan of a group's spec; raises for what Google would refuse, before any call. `made_for`: of its first spec."""
    check_policies(spec)
    content = ScalingGroupSpec(name=spec.name, template=spec.template, max=0, machine_types=spec.machine_types)
    whole = content.model_copy(update={"labels": spec.labels})
    template = f"{id}-{fingerprint([content])[:_DIGEST]}-{fingerprint([whole])[:_DIGEST]}"
    marks = marked(spec.labels, spec.name, token, "")
    labels = {name: value for name, value in marks.items() if name != names.SPEC}
    plan = Plan(
        id,
        region,
        spec,
        overrides,
        checked_overrides(spec.template),
        openings(spec.template.open_ports),
        labels,
        fingerprint([spec]) if made_for is None else made_for,
        template,
    )
    plan.described(making=True, stepped=[0.0, 0.0])  # so that labels which do not fit are told before any call
    return plan


def check_policies(spec: ScalingGroupSpec) -> None:
    """Raise for policies that Google's autoscaler cannot have."""
    tracked = [policy for policy in spec.policies if isinstance(policy, TargetTrackingPolicy)]
    metrics = [policy.metric for policy in tracked]
    if len(metrics) != len(set(metrics)):
        raise InvalidSpec("policies: two track the same metric; leave one out")
    if "requests_per_target" in metrics and spec.balancer is None:
        raise InvalidSpec("policies: requests_per_target needs the balancer whose requests are counted: set balancer")
    if any(policy.metric == "cpu_percent" and policy.target > 100 for policy in tracked):
        raise InvalidSpec("policies: a target of cpu_percent is 100 at the most")
    kinds = {type(policy) for policy in spec.policies}
    if StepPolicy in kinds and len(kinds) > 1:
        reason = "policies: Google's autoscaler would take a step back at once: leave out either the steps or the others"
        raise Unsupported(reason, provider="gcp", code="Unsupported")


def autoscaling_policy(spec: ScalingGroupSpec) -> dict[str, Any]:
    """What the autoscaler of a group is told, in the SDK's names."""
    tracked = {policy.metric: policy for policy in spec.policies if isinstance(policy, TargetTrackingPolicy)}
    policy: dict[str, Any] = {
        "mode": "ON",
        "min_num_replicas": spec.min,
        "max_num_replicas": spec.max,
        "scaling_schedules": scaling_schedules(spec),
    }
    if tracked:
        policy["cool_down_period_sec"] = round(max(each.cooldown for each in tracked.values()))
    if "cpu_percent" in tracked:
        policy["cpu_utilization"] = {"utilization_target": tracked["cpu_percent"].target / 100}
    if "requests_per_target" in tracked:
        policy["load_balancing_utilization"] = {"utilization_target": UTILIZATION}
    return policy


def rate_of(spec: ScalingGroupSpec) -> float | None:
    """How many requests a second a member is said to take, so that it is kept at the target; None where none are tracked."""
    tracked = [
        each for each in spec.policies if isinstance(each, TargetTrackingPolicy) and each.metric == "requests_per_target"
    ]
    return tracked[0].target / UTILIZATION if tracked else None


def desired_of(spec: ScalingGroupSpec, current: int | None = None) -> int:
    """The size that a spec asks for; without one `min`, or what is `current`, within the bounds."""
    if spec.desired is not None:
        return spec.desired
    return spec.min if current is None else min(max(current, spec.min), spec.max)
