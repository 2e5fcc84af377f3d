"""The same resources, declared in a Pulumi program. Needs the extra `pulumi`.

import cloudlayer.infra as infra

worker = infra.Instance("worker", provider="aws:us-east-1", gpu="L4", image="ubuntu-22.04")
data = infra.Volume("data", provider="aws:us-east-1", size="100GiB", zone=worker.zone, attached_to=worker.id)
"""

from __future__ import annotations

try:
    import pulumi as _pulumi  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "pulumi":
        raise
    raise ModuleNotFoundError("cloudlayer.infra needs Pulumi: pip install 'cloudlayer[pulumi]'", name="pulumi") from None

from cloudlayer.infra.arguments import (
    DiskArgs,
    HealthCheckArgs,
    ListenerArgs,
    PolicyArgs,
    PortRuleArgs,
    TargetArgs,
    TemplateArgs,
)
from cloudlayer.infra.balancers import LoadBalancer
from cloudlayer.infra.fleets import Fleet
from cloudlayer.infra.groups import ScalingGroup
from cloudlayer.infra.instances import Instance
from cloudlayer.infra.services import GpuService
from cloudlayer.infra.shares import Share
from cloudlayer.infra.volumes import Volume

__all__ = [
    "DiskArgs",
    "Fleet",
    "GpuService",
    "HealthCheckArgs",
    "Instance",
    "ListenerArgs",
    "LoadBalancer",
    "PolicyArgs",
    "PortRuleArgs",
    "ScalingGroup",
    "Share",
    "TargetArgs",
    "TemplateArgs",
    "Volume",
]
