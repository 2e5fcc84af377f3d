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
    """Where a group is in its life."""

    CREATING = "creating"
    ACTIVE = "active"
    UPDATING = "updating"
    DELETING = "deleting"
    FAILED = "failed"


class TargetTrackingPolicy(Spec):
    """Keep `metric` at `target`: CPU use in percent, or requests a second for each target of a balancer."""

    kind: Literal["target_tracking"] = "target_tracking"
    metric: Literal["cpu_percent", "requests_per_target"]
    target: Annotated[float, Field(gt=0, strict=False)]
    cooldown: Duration = 60.0


class StepPolicy(Spec):
    """Add (or, negative, take away) `change` instances when `metric` crosses `threshold` in the change's direction."""

    kind: Literal["step"] = "step"
    metric: Literal["cpu_percent"] = "cpu_percent"
    threshold: Annotated[float, Field(gt=0, strict=False)]
    change: int
    cooldown: Duration = 60.0


class ScheduledSize(Spec):
    """Set the size at the times of a cron expression, in UTC."""

    kind: Literal["scheduled"] = "scheduled"
    cron: str
    min: Annotated[int, Field(ge=0)]
    max: Annotated[int, Field(ge=0)]
    desired: Annotated[int, Field(ge=0)] | None = None


Policy = Annotated[TargetTrackingPolicy | StepPolicy | ScheduledSize, Field(discriminator="kind")]


class ScalingGroupSpec(Spec):
    """min ≤ desired ≤ max instances of `template`, spread over `zones`."""

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
    """A scaling group as its provider reports it."""

    id: str
    provider: str
    region: str
    state: ScalingGroupState
    name: str
    min: int
    max: int
    desired: int
    members: tuple[GroupMember, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    native: Any = field(default=None, compare=False, repr=False)
