"""Scaling groups: instances of one template whose number the cloud itself keeps and changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, model_validator

from cloudlayer.resources.instances import InstanceSpec, InstanceState
from cloudlayer.specs import Duration, Name, Spec


class ScalingGroupState(StrEnum):
    """Where a group is in its life. ACTIVE: as many healthy members of its template as are desired, and nothing under way."""

    CREATING = "creating"
    ACTIVE = "active"
    UPDATING = "updating"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"


class TargetTrackingPolicy(Spec):
    """Keep `metric` at `target`: CPU use in percent, or requests a second for each target of a balancer."""

    kind: Literal["target_tracking"] = "target_tracking"
    metric: Literal["cpu_percent", "requests_per_target"]
    target: Annotated[float, Field(gt=0, strict=False)]
    cooldown: Duration = 60.0


class StepPolicy(Spec):
    """Add (or, negative, take away) `change` instances when `metric` crosses `threshold` in the change's direction.

    Without a metric it steps only when it is executed by its name, as any step policy can be.
    """

    kind: Literal["step"] = "step"
    name: Name
    metric: Literal["cpu_percent"] | None = None
    threshold: Annotated[float, Field(gt=0, strict=False)] | None = None
    change: int
    cooldown: Duration = 60.0

    @model_validator(mode="after")
    def _whole(self) -> StepPolicy:
        if self.change == 0:
            raise ValueError("a change of 0 changes nothing: give how many to add, or as a negative number to take away")
        if (self.metric is None) != (self.threshold is None):
            raise ValueError("metric and threshold go together: give both or neither")
        return self


class ScheduledSize(Spec):
    """Set the size at the times of a cron expression, in UTC."""

    kind: Literal["scheduled"] = "scheduled"
    cron: str
    min: Annotated[int, Field(ge=0)]
    max: Annotated[int, Field(ge=0)]
    desired: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> ScheduledSize:
        if not self.min <= (self.min if self.desired is None else self.desired) <= self.max:
            raise ValueError(f"min {self.min}, desired {self.desired}, max {self.max} are not in ascending order")
        return self


Policy = Annotated[TargetTrackingPolicy | StepPolicy | ScheduledSize, Field(discriminator="kind")]


class ScalingGroupSpec(Spec):
    """min ≤ desired ≤ max instances of `template`, spread over `zones`; `template.zone` and `template.name` are not for groups.

    Without `desired` a new group has `min` members, and an update keeps what is desired, within the bounds. `machine_types`
    are alternatives to the template's own. `balancer` is the id of the load balancer whose targets the members are.
    """

    name: Name
    template: InstanceSpec
    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=0)]
    desired: Annotated[int, Field(ge=0)] | None = None
    zones: Annotated[tuple[str, ...], Strict(False)] = ()
    machine_types: Annotated[tuple[str, ...], Strict(False)] = ()
    policies: Annotated[tuple[Policy, ...], Strict(False)] = ()
    balancer: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ordered(self) -> ScalingGroupSpec:
        if not self.min <= (self.min if self.desired is None else self.desired) <= self.max:
            raise ValueError(f"min {self.min}, desired {self.desired}, max {self.max} are not in ascending order")
        if self.template.zone is not None or self.template.name is not None:
            raise ValueError("template: a group's members have names and zones of their own: give the group zones and a name")
        steps = [policy.name for policy in self.policies if isinstance(policy, StepPolicy)]
        if len(steps) != len(set(steps)):
            raise ValueError("policies: two step policies have the same name; execute could not tell them apart")
        return self


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One instance of a group."""

    instance: str
    zone: str
    state: InstanceState
    healthy: bool


@dataclass(frozen=True, slots=True)
class ScalingGroup:
    """A scaling group as its provider reports it. `reason` tells what keeps it from being ACTIVE, in the cloud's words."""

    id: str
    provider: str
    region: str
    state: ScalingGroupState
    name: str
    min: int
    max: int
    desired: int
    members: tuple[GroupMember, ...] = ()
    balancers: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    native: Any = field(default=None, compare=False, repr=False)
