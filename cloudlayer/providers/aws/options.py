"""What may be set when AWS is connected, and what of an instance EC2 alone knows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict, model_validator

from cloudlayer.specs import Spec


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], Strict(False), BeforeValidator(_listed)]


class Options(Spec):
    """Options of `connect("aws", …)`. What is left out is found as boto3 finds it.

    `machine_types` limits what is on offer, with `*` and `?` as EC2's own filters have them. On-demand prices are those of
    a dated list that comes with the package; `prices` is the path of another one with the same columns, or "live" for AWS's
    own price list, which takes about a dozen calls and ten seconds a day and connection.
    """

    endpoint_url: str | None = None
    profile: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = Field(default=None, repr=False)
    session_token: str | None = Field(default=None, repr=False)
    machine_types: Names = ()
    prices: str | None = None

    @model_validator(mode="after")
    def _whole_key(self) -> Options:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key go together: give both or neither")
        return self


class InstanceOverrides(Spec):
    """`InstanceSpec.overrides` on AWS. `iam_instance_profile` is a name or an ARN, `spot_max_price` in USD per hour."""

    subnet_id: str | None = None
    security_group_ids: Names = ()
    key_name: str | None = None
    iam_instance_profile: str | None = None
    placement_group: str | None = None
    spot_max_price: Annotated[float, Field(gt=0, strict=False)] | None = None


class VolumeOverrides(Spec):
    """`VolumeSpec.overrides` on AWS. A `kms_key_id` (an id, an ARN or an alias) means encrypted.

    The key's own policy must let the caller use it: where it does not, EBS takes the volume away again while it is creating.
    """

    encrypted: bool = False
    kms_key_id: str | None = None


class GroupOverrides(Spec):
    """`ScalingGroupSpec.overrides` on AWS: the subnets that members are put into, in place of the default network's."""

    subnet_ids: Names = ()


class BalancerOverrides(Spec):
    """`LoadBalancerSpec.overrides` on AWS: the subnets that the balancer is in, at least two for http and https."""

    subnet_ids: Names = ()
    security_group_ids: Names = ()
