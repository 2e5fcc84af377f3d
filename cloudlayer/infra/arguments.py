"""Nested inputs, as dictionaries: the fields of the specs of the same name, each of which may be an output of another thing."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from pulumi import Input


class DiskArgs(TypedDict):
    """A disk made with its instance: `size` as a text with a unit, or bytes."""

    size: Input[str | int]
    type: NotRequired[Input[str]]
    boot: NotRequired[Input[bool]]


class PortRuleArgs(TypedDict):
    """An opening in the firewall, from a range of addresses."""

    port: Input[int]
    protocol: NotRequired[Input[Literal["tcp", "udp"]]]
    source: Input[str]


class ListenerArgs(TypedDict):
    """What a balancer accepts on `port` and sends on to `target_port` of its targets."""

    port: Input[int]
    protocol: Input[Literal["tcp", "http", "https"]]
    target_port: Input[int]
    certificate: NotRequired[Input[str]]


class HealthCheckArgs(TypedDict, total=False):
    """How a target shows that it is well; times as texts with a unit, or seconds."""

    protocol: Input[Literal["tcp", "http"]]
    port: Input[int]
    path: Input[str]
    interval: Input[str | float]
    healthy_after: Input[int]
    unhealthy_after: Input[int]


class TargetArgs(TypedDict, total=False):
    """One target: exactly one of the three is given."""

    instance: Input[str]
    address: Input[str]
    group: Input[str]


class TemplateArgs(TypedDict, total=False):
    """What the members of a group are made from: as `Instance`, without a name and a zone."""

    machine_type: Input[str]
    cpu: Input[float]
    memory: Input[str | int]
    gpu: Input[str]
    gpu_count: Input[int]
    gpu_memory: Input[str | int]
    architecture: Input[Literal["x86_64", "arm64"]]
    image: Input[str]
    purchase: Input[Literal["on_demand", "spot", "reserved"]]
    reservation: Input[str]
    labels: Input[dict[str, Input[str]]]
    user_data: Input[str]
    disks: Input[list[Input[DiskArgs]]]
    public_address: Input[bool]
    open_ports: Input[list[Input[PortRuleArgs]]]
    overrides: Input[dict[str, object]]


class PolicyArgs(TypedDict, total=False):
    """A policy of a group; `kind` says which fields it has: those of the spec of that kind."""

    kind: Input[Literal["target_tracking", "step", "scheduled"]]
    metric: Input[Literal["cpu_percent", "requests_per_target"]]
    target: Input[float]
    cooldown: Input[str | float]
    name: Input[str]
    threshold: Input[float]
    change: Input[int]
    cron: Input[str]
    min: Input[int]
    max: Input[int]
    desired: Input[int]
