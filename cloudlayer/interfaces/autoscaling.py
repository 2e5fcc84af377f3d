"""Autoscaling: groups of equal instances whose number the cloud itself keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cloudlayer.interfaces.clock import Deadline
from cloudlayer.resources import ScalingGroup, ScalingGroupSpec, ScalingGroupState


class Autoscaling(Protocol):
    """Scaling groups. They are the user's own: no reconciler sizes them."""

    def create(self, spec: ScalingGroupSpec, *, token: str, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to make the group with its `desired` (else `min`) members.

        Idempotent: the same spec under the same `token` (a UUID) gives the same group, whatever became of an earlier call's
        answer; another spec under a used token gives Conflict. Labels and token are on the group and on all that is made for
        it, its members too.
        """
        ...

    def update(self, id: str, spec: ScalingGroupSpec, *, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to bring the group to `spec`: bounds, size, zones, policies, labels, balancer, template.

        A changed template (or list of machine types) replaces the members a few at a time, so that the others go on working;
        the group is UPDATING until all are of the new one. What is so already is left alone. The name cannot change:
        Conflict.
        """
        ...

    def set_desired(self, id: str, size: int, *, deadline: Deadline | None = None) -> None:
        """Ask for `size` members; InvalidSpec outside of the group's bounds. Waits for none of them.

        When this returns, the cloud has taken it: one that is busy with an earlier change is waited for, within `deadline`.
        """
        ...

    def execute(self, id: str, policy: str, *, deadline: Deadline | None = None) -> None:
        """Take the step of a step policy now, by the policy's name; NotFound if the group has none of that name.

        When this returns, the step has been taken, and none is lost in silence: a cooldown (or an earlier change) is waited
        out, and where it lasts longer than `deadline`, Throttled says after how many seconds to come again.
        """
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> ScalingGroup:
        """The group with its members and their health; NotFound if it is not there."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ScalingGroup]:
        """Every group that carries all of `labels`, pages flattened, with members; deleted ones may still be among them."""
        ...

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the group, its members and all that was made for it. One that is not there is no error.

        It leaves its balancer, which stays. Where the cloud wants the members gone before what they used, this waits.
        """
        ...

    def wait(
        self,
        group: ScalingGroup | str,
        state: ScalingGroupState | str,
        *,
        timeout: float = 900,
        deadline: Deadline | None = None,
    ) -> ScalingGroup:
        """The group once it is in `state`; as `Compute.wait`."""
        ...
