"""What may be set when an OpenStack cloud is connected, and what of its things this cloud alone knows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict

from cloudlayer.specs import Spec


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], Strict(False), BeforeValidator(_listed)]


class Options(Spec):
    """Options of `connect("openstack", …)`. What is left out is found as openstacksdk finds it.

    `cloud` names an entry of clouds.yaml (else OS_CLOUD, else the variables OS_AUTH_URL and so on). `network` is the network
    that instances are in, `external_network` the one that public addresses come from, by name or id: needed where there are
    several. `prices` is the path of the operator's price file. `gpus` tells what a flavor's word for a GPU means where its
    name does not, as in "CUSTOM_GPU_A100=A100:80GiB": the word of a resource class or of a PCI alias, the model, its memory.
    """

    cloud: str | None = None
    network: str | None = None
    external_network: str | None = None
    prices: str | None = None
    gpus: Names = ()


class InstanceOverrides(Spec):
    """`InstanceSpec.overrides` on OpenStack; networks and security groups by name or id, a server group by id.

    `config_drive` has the user data and metadata on a drive as well, for networks without a metadata service.
    """

    network: str | None = None
    key_name: str | None = None
    security_groups: Names = ()
    server_group: str | None = None
    config_drive: Annotated[bool, Field(strict=False)] = False


class VolumeOverrides(Spec):
    """`VolumeSpec.overrides` on OpenStack: a volume has nothing that this cloud alone knows."""


class BalancerOverrides(Spec):
    """`LoadBalancerSpec.overrides` on OpenStack: the network that the balancer is in, by name or id."""

    network: str | None = None


class GroupOverrides(Spec):
    """`ScalingGroupSpec.overrides` on OpenStack: a group has nothing that this cloud alone knows, its template may have."""
