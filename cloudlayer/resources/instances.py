"""Instances: the machines that a provider runs for us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, model_validator

from cloudlayer.resources.machines import Purchase
from cloudlayer.specs import Cores, Name, Size, Spec


class InstanceState(StrEnum):
    """Where an instance is in its life. `DELETED` may still be listed for a while."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"

    @property
    def gone(self) -> bool:
        """Whether it costs nothing any more and never comes back."""
        return self in (InstanceState.DELETING, InstanceState.DELETED)


class DiskSpec(Spec):
    """A disk made with its instance and deleted with it."""

    size: Size
    type: str | None = None
    boot: bool = False


class PortRule(Spec):
    """An opening in the firewall: a TCP or UDP port, from a range of addresses."""

    port: Annotated[int, Field(ge=1, le=65535)]
    protocol: Literal["tcp", "udp"] = "tcp"
    source: str


class InstanceSpec(Spec):
    """What is asked for. Name a `machine_type`, or give figures and the cheapest type that has them is taken.

    `image` is a friendly name ("ubuntu-22.04"), the provider's id, or a provider's own scheme such as "ssm:/path".
    `overrides` holds what this provider alone knows; the provider checks its keys. With `delete_on_shutdown` an instance that
    shuts itself down is deleted by that.
    """

    name: Name | None = None
    machine_type: str | None = None
    cpu: Cores | None = None
    memory: Size | None = None
    gpu: str | None = None
    gpu_count: Annotated[int, Field(ge=1)] = 1
    gpu_memory: Size | None = None
    architecture: Literal["x86_64", "arm64"] | None = None
    image: str | None = None
    zone: str | None = None
    purchase: Purchase = "on_demand"
    reservation: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    user_data: str | None = Field(default=None, repr=False)
    disks: Annotated[tuple[DiskSpec, ...], Strict(False)] = ()
    public_address: bool = False
    delete_on_shutdown: bool = False
    open_ports: Annotated[tuple[PortRule, ...], Strict(False)] = ()
    overrides: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> InstanceSpec:
        if self.purchase != "reserved" and self.reservation is not None:
            raise ValueError('a reservation is used with purchase = "reserved" alone')
        if sum(disk.boot for disk in self.disks) > 1:
            raise ValueError("at most one disk can be the boot disk")
        return self


@dataclass(frozen=True, slots=True)
class Image:
    """What an instance starts from. `id` is the provider's own."""

    id: str
    name: str
    architecture: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance as its provider reports it. `native` is the SDK's own answer, outside of every comparison.

    `ends_at` is when its cloud takes it back, where that has been announced.
    """

    id: str
    provider: str
    region: str
    zone: str
    state: InstanceState
    machine_type: str
    name: str | None = None
    purchase: Purchase = "on_demand"
    labels: Mapping[str, str] = field(default_factory=dict)
    private_address: str | None = None
    public_address: str | None = None
    image: str | None = None
    created_at: datetime | None = None
    reason: str | None = None
    ends_at: datetime | None = None
    native: Any = field(default=None, compare=False, repr=False)
