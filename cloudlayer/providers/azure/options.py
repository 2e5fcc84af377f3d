"""What may be set when Azure is connected, and what of a thing Azure alone knows."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Strict, model_validator

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import Spec


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], Strict(False), BeforeValidator(_listed)]


class Options(Spec):
    """Options of `connect("azure", …)`. Everything is made in `resource_group`, which must be there.

    Credentials are a service principal's (`tenant_id`, `client_id`, `client_secret`), else those that DefaultAzureCredential
    finds. `subnet` is an id or "network/subnet"; without one, instances are put into a virtual network called "cloudlayer" that
    is made when it is first needed, for all that use the resource group, and stays. `machine_types` limits what is on offer,
    with `*` and `?`. On-demand prices are those of a dated list that comes with the package; `prices` is the path of another
    one with the same columns, or "live" for Azure's own price list. `endpoint` is another Resource Manager's address.
    """

    subscription: str | None = None
    resource_group: str | None = None
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = Field(default=None, repr=False)
    endpoint: str | None = None
    subnet: str | None = None
    machine_types: Names = ()
    prices: str | None = None

    @model_validator(mode="after")
    def _whole_principal(self) -> Options:
        given = [value is not None for value in (self.tenant_id, self.client_id, self.client_secret)]
        if any(given) and not all(given):
            raise ValueError("tenant_id, client_id and client_secret go together: give all three or none")
        return self


class InstanceOverrides(Spec):
    """`InstanceSpec.overrides` on Azure.

    `subnet` is as the option. Without `ssh_public_key` nobody can log in: the machine gets a key whose private half is thrown
    away, since Azure makes no machine without one. `identities` are ids of managed identities, `license_type` is Azure's word
    for a licence that is brought along, `security_group` the id of one to use where there are no `open_ports`,
    `spot_max_price` in USD per hour.
    """

    subnet: str | None = None
    ssh_public_key: str | None = None
    admin_username: str = "azureuser"
    identities: Names = ()
    license_type: str | None = None
    security_group: str | None = None
    spot_max_price: Annotated[float, Field(gt=0, strict=False)] | None = None


class GroupOverrides(Spec):
    """`ScalingGroupSpec.overrides` on Azure.

    `orchestration` is Azure's word for how members are kept: "flexible", whose members are virtual machines like all others, or
    "uniform", whose members are parts of the scale set. It cannot change later.
    """

    orchestration: Literal["flexible", "uniform"] = "flexible"


class BalancerOverrides(Spec):
    """`LoadBalancerSpec.overrides` on Azure: `subnet`, as the option, is where a private address is taken from."""

    subnet: str | None = None


class VolumeOverrides(Spec):
    """`VolumeSpec.overrides` on Azure: `encryption_set` is the id of a disk encryption set with a key of one's own."""

    encryption_set: str | None = None


class ShareOverrides(Spec):
    """`ShareSpec.overrides` on Azure: `subnet`, as the option, is that from which an NFS share can be mounted."""

    subnet: str | None = None


def setting(value: str | None, variable: str, what: str, mend: str) -> str:
    """The value, else that of the environment variable; InvalidSpec with the mend where neither is there."""
    found = value or os.environ.get(variable)
    if not found:
        raise InvalidSpec(f"azure: no {what}: {mend}, or set {variable}")
    return found
