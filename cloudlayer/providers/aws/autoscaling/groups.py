"""Auto Scaling's descriptions of groups, read as ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.providers.aws.marks import MAKING, all_tags, read_labels
from cloudlayer.providers.aws.tags import NAME
from cloudlayer.resources import GroupMember, InstanceState, ScalingGroup, ScalingGroupState

SERVING: Final = "InService"

_MEMBER_STATES: Final[Mapping[str, InstanceState]] = {
    "Pending": InstanceState.PENDING,
    "Pending:Wait": InstanceState.PENDING,
    "Pending:Proceed": InstanceState.PENDING,
    "Quarantined": InstanceState.FAILED,
    SERVING: InstanceState.RUNNING,
    "EnteringStandby": InstanceState.RUNNING,
    "Standby": InstanceState.RUNNING,
    "Detached": InstanceState.DELETED,
    "Terminated": InstanceState.DELETED,
}
"""By lifecycle state. What is left out is on its way out."""


def template_version(found: Mapping[str, Any]) -> str:
    """The version of its launch template that a group makes members from; empty where it has none."""
    mix = found.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    template = mix.get("LaunchTemplateSpecification") or found.get("LaunchTemplate") or {}
    return str(template.get("Version", ""))


def member_versions(found: Mapping[str, Any]) -> set[str]:
    """The versions of the group's template that its members were made from."""
    return {str(member.get("LaunchTemplate", {}).get("Version", "")) for member in found.get("Instances", ())}


def is_ending(found: Mapping[str, Any]) -> bool:
    """Whether the group is being deleted; Auto Scaling says so in a text of its own."""
    return str(found.get("Status", "")) == "Delete in progress"


def is_settled(found: Mapping[str, Any]) -> bool:
    """Whether its members are as many as are desired, all of them healthy and in service."""
    members = found.get("Instances", ())
    serving = [member for member in members if member["LifecycleState"] == SERVING and member["HealthStatus"] == "Healthy"]
    return len(serving) == len(members) == int(found["DesiredCapacity"])


def read_group(
    found: Mapping[str, Any], region: str, *, balancers: tuple[str, ...] = (), stale: bool = False, reason: str | None = None
) -> ScalingGroup:
    """A group from its description. `stale` says that a member is of an earlier template, `reason` what holds it up."""
    tags = all_tags(found.get("Tags", ()))
    state = _state(found, tags, stale)
    return ScalingGroup(
        found["AutoScalingGroupName"],
        "aws",
        region,
        state=state,
        name=tags.get(NAME, found["AutoScalingGroupName"]),
        min=int(found["MinSize"]),
        max=int(found["MaxSize"]),
        desired=int(found["DesiredCapacity"]),
        members=tuple(_member(member) for member in found.get("Instances", ())),
        balancers=balancers,
        labels=read_labels(tags),
        reason=reason,
        native=found,
    )


def _state(found: Mapping[str, Any], tags: Mapping[str, str], stale: bool) -> ScalingGroupState:
    if is_ending(found):
        return ScalingGroupState.DELETING
    if MAKING in tags:
        return ScalingGroupState.CREATING
    return ScalingGroupState.ACTIVE if is_settled(found) and not stale else ScalingGroupState.UPDATING


def _member(found: Mapping[str, Any]) -> GroupMember:
    return GroupMember(
        found["InstanceId"],
        found["AvailabilityZone"],
        _MEMBER_STATES.get(found["LifecycleState"], InstanceState.DELETING),
        healthy=found["HealthStatus"] == "Healthy",
    )
