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

    `machine_types` limits what is on offer, with `*` and `?` as EC2's own filters have them; `prices` is the path of a
    price list that takes the place of the one that comes with the package, with the same columns.
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
