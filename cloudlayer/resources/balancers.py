"""Load balancers: listeners in front, targets behind, a health check between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, model_validator

from cloudlayer.specs import Duration, Name, Spec

Port = Annotated[int, Field(ge=1, le=65535)]


class LoadBalancerState(StrEnum):
    """Where a load balancer is in its life."""

    CREATING = "creating"
    ACTIVE = "active"
    UPDATING = "updating"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"


class Listener(Spec):
    """What the balancer accepts on `port` and sends on to `target_port` of its targets."""

    port: Port
    protocol: Literal["tcp", "http", "https"]
    target_port: Port
    certificate: str | None = None

    @model_validator(mode="after")
    def _certificate(self) -> Listener:
        if (self.protocol == "https") != (self.certificate is not None):
            raise ValueError('a listener has a certificate if, and only if, its protocol is "https"')
        return self


class HealthCheck(Spec):
    """How a target shows that it is well. `path` is for HTTP alone; without `port` it is the listener's target port."""

    protocol: Literal["tcp", "http"] = "tcp"
    port: Port | None = None
    path: str | None = None
    interval: Duration = 10.0
    healthy_after: Annotated[int, Field(ge=1)] = 2
    unhealthy_after: Annotated[int, Field(ge=1)] = 2

    @model_validator(mode="after")
    def _path(self) -> HealthCheck:
        if self.path is not None and (self.protocol != "http" or not self.path.startswith("/")):
            raise ValueError('a path starts with "/" and goes with protocol = "http"')
        return self


class TargetSpec(Spec):
    """One target: an instance, an IP address or a scaling group. Exactly one is given.

    Each listener sends to its own target port of every target; of a group, to its members as they come and go.
    """

    instance: str | None = None
    address: str | None = None
    group: str | None = None

    @model_validator(mode="after")
    def _one(self) -> TargetSpec:
        if sum(value is not None for value in (self.instance, self.address, self.group)) != 1:
            raise ValueError("give exactly one of instance, address and group")
        return self

    @property
    def id(self) -> str:
        """What it is known by: the id of the instance or group, or the address."""
        return str(self.instance or self.address or self.group)


class LoadBalancerSpec(Spec):
    """A balancer with everything that belongs to it; all of it is deleted with it.

    `drain` is for how many seconds a target that is being taken out may finish what it has begun.
    """

    name: Name
    listeners: Annotated[tuple[Listener, ...], Strict(False), Field(min_length=1)]
    targets: Annotated[tuple[TargetSpec, ...], Strict(False)] = ()
    health_check: HealthCheck = HealthCheck()
    drain: Duration = 30.0
    public: bool = False
    labels: dict[str, str] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _distinct(self) -> LoadBalancerSpec:
        ports = [listener.port for listener in self.listeners]
        if len(ports) != len(set(ports)):
            raise ValueError("listeners: two have the same port")
        return self


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """A target and what its balancer thinks of it: the worst of its listeners. A group's members stand here each by itself.

    `target` is an instance's id, or the address that was registered.
    """

    target: str
    state: Literal["healthy", "unhealthy", "draining", "initial", "unknown"]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer as its provider reports it. `address` is a name or an IP address."""

    id: str
    provider: str
    region: str
    state: LoadBalancerState
    name: str
    address: str | None = None
    listeners: tuple[Listener, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    native: Any = field(default=None, compare=False, repr=False)
