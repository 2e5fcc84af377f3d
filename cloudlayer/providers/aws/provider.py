"""AWS in one region, connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.interfaces import Access, Capabilities, Capability, Clock, Deadline, SystemClock
from cloudlayer.providers.aws.autoscaling.verbs import AwsAutoscaling
from cloudlayer.providers.aws.checks import Checks
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.compute.catalogue import Catalogue
from cloudlayer.providers.aws.compute.choices import Choices
from cloudlayer.providers.aws.compute.images import Images
from cloudlayer.providers.aws.compute.verbs import Ec2Compute
from cloudlayer.providers.aws.leftovers import LaunchPieces
from cloudlayer.providers.aws.load_balancing.verbs import AwsLoadBalancing
from cloudlayer.providers.aws.options import Options
from cloudlayer.providers.aws.quotas import Quotas
from cloudlayer.providers.aws.storage.verbs import EbsStorage
from cloudlayer.providers.base.access import by_ssh
from cloudlayer.providers.base.leftovers import Leftovers
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.base.retries import Retries
from cloudlayer.resources import Instance, Leftover, Quota

_NO_PROCESSES: Final = Capability(False, 'the process engine works on this host alone; name engine = "docker"')
_NO_SHARES: Final = Capability(False, "EFS is not supported yet; attach a volume to one machine, or keep objects in S3")
_COMPUTE: Final = (
    *("on_demand", "spot", "reserved", "idempotent_create", "batch_create", "user_data", "disks", "public_address"),
    *("open_ports", "stop_start", "reboot", "resize", "console_log", "images", "labels", "prices"),
    "expiry",
)
_AUTOSCALING: Final = (
    *("autoscaling", "group_zones", "group_machine_types", "group_target_tracking", "group_step", "group_step_metric"),
    *("group_scheduled", "group_balancer", "group_replace"),
)
_LOAD_BALANCING: Final = (
    *("load_balancing", "balancer_tcp", "balancer_http", "balancer_https", "balancer_instances", "balancer_addresses"),
    *("balancer_groups", "balancer_health", "balancer_http_check", "balancer_public"),
)
_STORAGE: Final = (
    *("volumes", "volume_types", "volume_speeds", "volume_grow", "volume_grow_attached", "volume_snapshots"),
    "snapshots_outlive_volumes",
)

CAPABILITIES: Final = Capabilities(
    "aws",
    {
        **dict.fromkeys((*_COMPUTE, *_AUTOSCALING, *_LOAD_BALANCING, *_STORAGE), Capability(True)),
        **dict.fromkeys(("shares", "share_nfs", "share_smb"), _NO_SHARES),
        "engine:process": _NO_PROCESSES,
        "engine:docker": Capability(True),
    },
)


class AwsProvider(BaseProvider):
    """AWS in one region. Making one makes no call; `clock` is for tests."""

    def __init__(self, region: str | None, options: Options, *, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self._client = Client(region, options, Retries(clock=clock))
        super().__init__(self._client.region, CAPABILITIES)
        catalogue = Catalogue(self._client, clock, options.machine_types, options.prices)
        self._compute = Ec2Compute(self._client, CAPABILITIES, catalogue, clock)
        choices = Choices(catalogue, Images(self._client))
        self._autoscaling = AwsAutoscaling(self._client, CAPABILITIES, choices, clock)
        self._load_balancing = AwsLoadBalancing(self._client, CAPABILITIES, clock)
        self._storage = EbsStorage(self._client, CAPABILITIES, clock)
        self._quotas = Quotas(self._client, catalogue)
        self._checks = Checks(self._client)
        self._leftovers = Leftovers((self._autoscaling, self._load_balancing, LaunchPieces(self._client)), self._client.retries)

    @property
    def compute(self) -> Ec2Compute:
        """Instances of EC2."""
        return self._compute

    @property
    def autoscaling(self) -> AwsAutoscaling:
        """Groups of EC2 Auto Scaling."""
        return self._autoscaling

    @property
    def load_balancing(self) -> AwsLoadBalancing:
        """Network and application balancers of Elastic Load Balancing."""
        return self._load_balancing

    @property
    def storage(self) -> EbsStorage:
        """Volumes of EBS and their snapshots."""
        return self._storage

    def access(self, instance: Instance) -> Access | None:
        """By SSH, at its public address where it has one."""
        return by_ssh(instance)

    def native(self, service: str) -> Any:
        """boto3's client for a service, such as "ec2"."""
        return self._client.service(service)

    def leftovers(self, labels: Mapping[str, str], *, deadline: Deadline | None = None) -> list[Leftover]:
        """Pieces with all of `labels`; none is spared for being young, since AWS does not tell the age of most."""
        return self._leftovers.all(labels, deadline)

    def delete_leftover(self, leftover: Leftover, *, deadline: Deadline | None = None) -> None:
        """Delete one of them; InvalidSpec for what `leftovers` never tells."""
        self._leftovers.delete(leftover, deadline)

    def quotas(self, *, deadline: Deadline | None = None) -> list[Quota]:
        """The limits that Service Quotas tells, some dozen calls; none where this user may not ask it, which `check` tells."""
        return self._quotas.all(self._client.retries.deadline(deadline))

    def check(self) -> list[str]:
        """Credentials first, then permissions, by calls that change nothing: making groups and balancers cannot be tried so."""
        return self._checks.lines(self._client.retries.deadline(None))
