"""Managed instance groups, read as ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudlayer.providers.gcp.autoscaling.plans import content_of
from cloudlayer.providers.gcp.client import basename
from cloudlayer.providers.gcp.compute.instances import STATES, instance_id
from cloudlayer.providers.gcp.facts import marks_of
from cloudlayer.providers.gcp.marks import NAME, read_labels
from cloudlayer.resources import GroupMember, InstanceState, ScalingGroup, ScalingGroupState

_LEAVING: Final = ("DELETING", "ABANDONING", "RECREATING", "STOPPING", "SUSPENDING")
_STAYING: Final = ("", "NONE")
_WELL: Final = "HEALTHY"


def is_ending(manager: Any) -> bool:
    """Whether a group is being deleted."""
    return bool(marks_of(manager.description)[1].get("ending"))


def is_making(manager: Any) -> bool:
    """Whether something that belongs to a group is still to be made."""
    return bool(marks_of(manager.description)[1].get("making"))


def template_of(manager: Any) -> str:
    """The URL of the template that members are made from."""
    return str(manager.versions[0].instance_template if manager.versions else manager.instance_template)


def stale(manager: Any, managed: Iterable[Any]) -> bool:
    """Whether a member is made from something else than the group's template has now."""
    wanted = content_of(template_of(manager))
    return any(content_of(each.version.instance_template) != wanted for each in managed if each.version.instance_template)


def is_settled(manager: Any, managed: Sequence[Any]) -> bool:
    """Whether its members are as many as are desired, all of them well, and nothing is under way."""
    well = [each for each in managed if _is_well(each)]
    return bool(manager.status.is_stable) and len(well) == len(managed) == manager.target_size


def reason_of(managed: Iterable[Any]) -> str | None:
    """Why the last attempt to make or delete a member failed, with the cloud's code; None if none did."""
    for each in managed:
        for error in each.last_attempt.errors.errors:
            return told(error)
    return None


def told(error: Any) -> str:
    """An error in a line, its code first."""
    return f"{error.code}: {error.message}" if error.message else str(error.code)


def read_group(
    manager: Any, managed: Sequence[Any], region: str, *, balancers: tuple[str, ...] = (), reason: str | None = None
) -> ScalingGroup:
    """A group from its manager and the instances that this manages; `reason` is what holds it up."""
    marks, facts = marks_of(manager.description)
    state = _state(manager, managed, facts)
    return ScalingGroup(
        manager.name,
        "gcp",
        region,
        state=state,
        name=marks.get(NAME, manager.name),
        min=facts.get("min", 0),
        max=facts.get("max", manager.target_size),
        desired=manager.target_size,
        members=tuple(_member(each) for each in managed if each.instance_status),
        balancers=balancers,
        labels=read_labels(marks),
        reason=reason,
        native=manager,
    )


def _state(manager: Any, managed: Sequence[Any], facts: Mapping[str, Any]) -> ScalingGroupState:
    if facts.get("ending"):
        return ScalingGroupState.DELETING
    if facts.get("making"):
        return ScalingGroupState.CREATING
    settled = is_settled(manager, managed) and not stale(manager, managed)
    return ScalingGroupState.ACTIVE if settled else ScalingGroupState.UPDATING


def _member(each: Any) -> GroupMember:
    member, zone = _place(each.instance)
    leaving = each.current_action in _LEAVING
    state = InstanceState.DELETING if leaving else STATES.get(each.instance_status, InstanceState.PENDING)
    return GroupMember(member, zone, state, healthy=_is_well(each))


def _place(url: str) -> tuple[str, str]:
    zone = url.split("/")[-3]
    return instance_id(zone, basename(url)), zone


def _is_well(each: Any) -> bool:
    healths = [health.detailed_health_state for health in each.instance_health]
    runs = each.instance_status == "RUNNING" and each.current_action in _STAYING
    return runs and all(health == _WELL for health in healths)
