"""What may be set when Google Cloud is connected, and what of a thing Compute Engine alone knows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict

from cloudlayer.specs import Size, Spec


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], Strict(False), BeforeValidator(_listed)]


class Options(Spec):
    """Options of `connect("gcp", …)`. What is left out is found as Google's own tools find it.

    `credentials_file` is a key or configuration in JSON, `access_token` one that `gcloud auth print-access-token` gives, good
    for an hour; without either the application default credentials are used, or, with an `endpoint`, none at all. The endpoints
    are addresses in place of Google's own, for Compute Engine, its price list, and the Resource Manager.
    `machine_types` limits what is on offer, with `*` and `?`. Prices are those of a dated list that comes with the package;
    `prices` is the path of another one with the same columns, or "live" for Google's own price list, which takes some dozen
    calls a day and connection. `network` and `subnetwork` are names, for all that is made here.
    """

    project: str | None = None
    credentials_file: str | None = None
    access_token: str | None = Field(default=None, repr=False)
    endpoint: str | None = None
    billing_endpoint: str | None = None
    iam_endpoint: str | None = None
    machine_types: Names = ()
    prices: str | None = None
    network: str = "default"
    subnetwork: str | None = None


class InstanceOverrides(Spec):
    """`InstanceSpec.overrides` on Google Cloud, for instances and for the templates of groups.

    `service_account` is an address that the instance acts as, within `scopes`. `network_tags` are for firewall rules that are
    there already. `metadata` goes to the machine's metadata server besides `user-data`.
    """

    network: str | None = None
    subnetwork: str | None = None
    service_account: str | None = None
    scopes: Names = ("https://www.googleapis.com/auth/cloud-platform",)
    network_tags: Names = ()
    metadata: dict[str, str] = Field(default_factory=dict)
    min_cpu_platform: str | None = None
    confidential: bool = False
    secure_boot: bool = False
    disk_iops: Annotated[int, Field(ge=1)] | None = None
    disk_throughput: Size | None = None


class VolumeOverrides(Spec):
    """`VolumeSpec.overrides` on Google Cloud: a key of Cloud KMS, by its whole name, that the disk is encrypted with."""

    kms_key: str | None = None


class GroupOverrides(Spec):
    """`ScalingGroupSpec.overrides` on Google Cloud.

    `zonal` puts a group into its one zone by itself, and not into the region. `health_check` is the path of one,
    "projects/…", by which sick members are replaced, `initial_delay` after how many seconds a new member is looked at by it.
    """

    zonal: bool = False
    health_check: str | None = None
    initial_delay: Annotated[int, Field(ge=0, le=3600)] = 300


class BalancerOverrides(Spec):
    """`LoadBalancerSpec.overrides` on Google Cloud: where the balancer lives, in place of the connection's own.

    A network whose subnetworks are not made automatically needs a `subnetwork` for an internal balancer. `proxied` asks for
    proxies where a passthrough balancer would do: they alone send to addresses.
    """

    network: str | None = None
    subnetwork: str | None = None
    proxied: bool = False
