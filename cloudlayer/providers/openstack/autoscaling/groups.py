"""A group's stack, read as a scaling group, and the groups as a balancer sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudlayer.errors import NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.openstack.autoscaling.stacks import Stack, Stacks
from cloudlayer.providers.openstack.compute.servers import read_instance, was_refused
from cloudlayer.resources import GroupMember, InstanceState, ScalingGroup, ScalingGroupState

_STATE: Final = ScalingGroupState
_ACTIONS: Final = {"CREATE": _STATE.CREATING, "DELETE": _STATE.DELETING}


def read_group(stack: Stack, region: str) -> ScalingGroup:
    """The group that a stack is. `native` is the stack's description, with its resources and servers."""
    members = tuple(_members(stack, region))
    state, reason = _state(stack, members)
    return ScalingGroup(
        stack.id,
        "openstack",
        region,
        state=state,
        name=stack.record.spec.name,
        min=stack.record.spec.min,
        max=stack.record.spec.max,
        desired=stack.size,
        members=members,
        balancers=stack.record.balancers,
        labels=stack.record.labels,
        reason=reason,
        native={"stack": stack.found, "resources": stack.resources, "servers": stack.servers},
    )


class Targets:
    """The groups as a balancer sees them: their members are its targets, as they come and go."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks

    def require(self, id: str, *, deadline: Deadline) -> None:
        """NotFound if the group is not there."""
        self._stacks.get(id, deadline)

    def attach(self, id: str, balancer: str, *, deadline: Deadline) -> None:
        """Begin to make the group's members targets; NotFound if it is not there."""
        if balancer not in self._stacks.get(id, deadline).record.balancers:
            self._bring(id, balancer, True, deadline)

    def detach(self, id: str, balancer: str, *, deadline: Deadline) -> None:
        """Begin to take them out; a group that is not there, or not attached, is no error."""
        try:
            if balancer in self._stacks.get(id, deadline).record.balancers:
                self._bring(id, balancer, False, deadline)
        except NotFound:
            return

    def attached(self, balancer: str, *, deadline: Deadline) -> Sequence[str]:
        """The ids of the groups whose members are this balancer's targets."""
        return [stack.id for stack in self._stacks.among({}, [balancer], deadline)]

    def _bring(self, id: str, balancer: str, into: bool, deadline: Deadline) -> None:
        stack = self._stacks.settled(id, deadline)
        others = tuple(each for each in stack.record.balancers if each != balancer)
        wanted = {"balancers": (*others, balancer) if into else others}
        self._stacks.change(stack, stack.at_size(stack.size).model_copy(update=wanted), deadline)


def _members(stack: Stack, region: str) -> list[GroupMember]:
    instances = [read_instance(server, region) for server in stack.servers if not was_refused(server)]
    return [
        GroupMember(each.id, each.zone, each.state, healthy=each.state is InstanceState.RUNNING)
        for each in instances
        if not each.state.gone
    ]


def _state(stack: Stack, members: Sequence[GroupMember]) -> tuple[ScalingGroupState, str | None]:
    action, _, status = stack.status.partition("_")
    if stack.status == "DELETE_COMPLETE":
        return _STATE.DELETED, None
    if stack.is_busy:
        return _ACTIONS.get(action, _STATE.UPDATING), stack.fault or _refusal(stack)
    if status == "FAILED" or stack.fault:
        return _STATE.FAILED, stack.fault
    healthy = sum(member.healthy for member in members)
    if healthy < stack.size:
        return (
            _STATE.FAILED,
            f"{healthy} of {stack.size} members are healthy, and Heat replaces none by itself: change the size",
        )
    return (_STATE.ACTIVE, None) if len(members) == stack.size else (_STATE.UPDATING, None)


def _refusal(stack: Stack) -> str | None:
    """What Nova says of a member that it has no room for, while Heat goes on trying."""
    return next((str(server["fault"]["message"]) for server in stack.servers if was_refused(server)), None)
