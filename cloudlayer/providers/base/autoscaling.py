"""What every Autoscaling has in common: waiting, and what a spec needs of the provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final

from cloudlayer.errors import CloudError, InvalidSpec
from cloudlayer.interfaces import Capabilities, Deadline
from cloudlayer.providers.base.capabilities import missing, require_for
from cloudlayer.providers.base.interface import BaseInterface
from cloudlayer.providers.base.waiting import Waiter, will_not_be
from cloudlayer.resources import (
    ScalingGroup,
    ScalingGroupSpec,
    ScalingGroupState,
    ScheduledSize,
    StepPolicy,
    TargetTrackingPolicy,
)

_STATE: Final = ScalingGroupState
_LOST: Final = frozenset({_STATE.FAILED, _STATE.DELETING, _STATE.DELETED})
_ENDING: Final = frozenset({_STATE.DELETING, _STATE.DELETED})
_ANY: Final = frozenset({_STATE.CREATING, _STATE.UPDATING, _STATE.ACTIVE})

WAITERS: Final[Mapping[ScalingGroupState, Waiter[ScalingGroupState]]] = {
    _STATE.CREATING: Waiter(_ANY, _LOST),
    _STATE.ACTIVE: Waiter(frozenset({_STATE.ACTIVE}), _LOST),
    _STATE.UPDATING: Waiter(frozenset({_STATE.UPDATING}), _LOST),
    _STATE.DELETING: Waiter(_ENDING, frozenset()),
    _STATE.DELETED: Waiter(frozenset({_STATE.DELETED}), frozenset()),
    _STATE.FAILED: Waiter(frozenset({_STATE.FAILED}), _ENDING),
}
"""By the state that is waited for. A failed deletion is no end: the next delete goes on with it."""


class BaseAutoscaling(BaseInterface, ABC):
    """An Autoscaling to build on."""

    @abstractmethod
    def create(self, spec: ScalingGroupSpec, *, token: str, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to make the group; idempotent by token."""

    @abstractmethod
    def update(self, id: str, spec: ScalingGroupSpec, *, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to bring the group to `spec`."""

    @abstractmethod
    def set_desired(self, id: str, size: int, *, deadline: Deadline | None = None) -> None:
        """Ask for `size` members."""

    @abstractmethod
    def get(self, id: str, *, deadline: Deadline | None = None) -> ScalingGroup:
        """The group with its members; NotFound if it is not there."""

    @abstractmethod
    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the group; one that is not there is no error."""

    def execute(self, id: str, policy: str, *, deadline: Deadline | None = None) -> None:
        """Take the step of a step policy now."""
        raise missing(self.capabilities, "group_step")

    def wait(
        self,
        group: ScalingGroup | str,
        state: ScalingGroupState | str,
        *,
        timeout: float = 900,
        deadline: Deadline | None = None,
    ) -> ScalingGroup:
        """The group once it is in `state`; see `Waits.run` for how a wait ends otherwise."""
        waits = self._waits(
            kind="a scaling group",
            states=ScalingGroupState,
            waiters=WAITERS,
            get=lambda name, bound: self.get(name, deadline=bound),
            absent=self._deleted,
            failure=self.failure,
        )
        return waits.run(group, state, timeout, deadline)

    def failure(self, group: ScalingGroup, wanted: ScalingGroupState) -> CloudError:
        """The error for a group that will never be `wanted`; a driver that knows the reason's code refines it."""
        return will_not_be(group, wanted, self.provider)

    @abstractmethod
    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ScalingGroup]:
        """Every group that carries all of `labels`, whole."""

    def _deleted(self, id: str) -> ScalingGroup:
        return ScalingGroup(id, self.provider, self.region, state=_STATE.DELETED, name="", min=0, max=0, desired=0)


def require_group(spec: ScalingGroupSpec, capabilities: Capabilities) -> None:
    """Raise Unsupported, with the declared reason, if a group's spec asks for a capability that is not there."""
    policies = spec.policies
    needs = {
        "group_zones": spec.zones,
        "group_machine_types": spec.machine_types,
        "group_balancer": spec.balancer,
        "group_target_tracking": any(isinstance(policy, TargetTrackingPolicy) for policy in policies),
        "group_step": any(isinstance(policy, StepPolicy) for policy in policies),
        "group_step_metric": any(isinstance(policy, StepPolicy) and policy.metric for policy in policies),
        "group_scheduled": any(isinstance(policy, ScheduledSize) for policy in policies),
    }
    for name, needed in needs.items():
        if needed and not capabilities[name]:
            raise missing(capabilities, name)
    require_for([spec.template], capabilities)


def checked_size(group: ScalingGroup, size: int) -> int:
    """The size; InvalidSpec if it is outside of the group's bounds."""
    if not group.min <= size <= group.max:
        raise InvalidSpec(f"desired: {size} is outside of {group.name}'s bounds, {group.min} to {group.max}")
    return size
