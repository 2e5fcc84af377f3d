"""What may be set when an OpenStack cloud is connected, and what of its things this cloud alone knows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Strict

from cloudlayer.specs import Spec


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], Strict(False), BeforeValidator(_listed)]


class Options(Spec):
    """Options of `connect("openstack", …)`. What is left out is found as openstacksdk finds it.

    `cloud` names an entry of clouds.yaml (else OS_CLOUD, else the variables OS_AUTH_URL and so on). `network` is the network
    that instances are in, `external_network` the one that public addresses come from, by name or id: needed where there are
    several. `prices` is the path of the operator's price file.
    """

    cloud: str | None = None
    network: str | None = None
    external_network: str | None = None
    prices: str | None = None


class InstanceOverrides(Spec):
    """`InstanceSpec.overrides` on OpenStack; names or ids."""

    network: str | None = None
    key_name: str | None = None
    security_groups: Names = ()
