"""Google Cloud in one region, connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.interfaces import Access, Clock, Deadline, SystemClock
from cloudlayer.providers.base.access import by_ssh
from cloudlayer.providers.base.leftovers import Leftovers
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.gcp.autoscaling.lookup import GroupLookup
from cloudlayer.providers.gcp.autoscaling.verbs import GcpAutoscaling
from cloudlayer.providers.gcp.capabilities import CAPABILITIES
from cloudlayer.providers.gcp.checks import Checks
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.compute.catalogue import Catalogue
from cloudlayer.providers.gcp.compute.choices import Choices
from cloudlayer.providers.gcp.compute.images import Images
from cloudlayer.providers.gcp.compute.verbs import GceCompute
from cloudlayer.providers.gcp.leftovers import LaunchPieces
from cloudlayer.providers.gcp.load_balancing.verbs import GcpLoadBalancing
from cloudlayer.providers.gcp.options import Options
from cloudlayer.providers.gcp.quotas import Quotas
from cloudlayer.providers.gcp.storage.verbs import GcpStorage
from cloudlayer.resources import Instance, Leftover, Quota


class GcpProvider(BaseProvider):
    """Google Cloud in one region. Making one makes no call; `clock` is for tests."""

    def __init__(self, region: str | None, options: Options, *, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self._client = Client(region, options, Retries(clock=clock))
        super().__init__(self._client.region, CAPABILITIES)
        catalogue = Catalogue(self._client, clock, options.machine_types, options.prices)
        choices = Choices(catalogue, Images(self._client))
        self._compute = GceCompute(self._client, CAPABILITIES, catalogue, choices, clock)
        self._storage = GcpStorage(self._client, CAPABILITIES, clock)
        self._load_balancing = GcpLoadBalancing(self._client, CAPABILITIES, GroupLookup(self._client).found, clock)
        attachments = self._load_balancing.attachments
        self._autoscaling = GcpAutoscaling(self._client, CAPABILITIES, choices, attachments, clock)
        self._quotas = Quotas(self._client)
        self._checks = Checks(self._client)
        self._leftovers = Leftovers((LaunchPieces(self._client), self._autoscaling, self._load_balancing), self._client.retries)

    @property
    def compute(self) -> GceCompute:
        """Instances of Compute Engine."""
        return self._compute

    @property
    def autoscaling(self) -> GcpAutoscaling:
        """Managed instance groups."""
        return self._autoscaling

    @property
    def load_balancing(self) -> GcpLoadBalancing:
        """Load balancers."""
        return self._load_balancing

    @property
    def storage(self) -> GcpStorage:
        """Disks and snapshots."""
        return self._storage

    def access(self, instance: Instance) -> Access | None:
        """By SSH, at its public address where it has one."""
        return by_ssh(instance)

    def native(self, service: str) -> Any:
        """The SDK's client for a collection of Compute Engine's API, such as "instances"."""
        return self._client.service(service)

    def leftovers(self, labels: Mapping[str, str], *, deadline: Deadline | None = None) -> list[Leftover]:
        """Pieces with all of `labels`; none is spared for being young."""
        return self._leftovers.all(labels, deadline)

    def delete_leftover(self, leftover: Leftover, *, deadline: Deadline | None = None) -> None:
        """Delete one of them; InvalidSpec for what `leftovers` never tells."""
        self._leftovers.delete(leftover, deadline)

    def quotas(self, *, deadline: Deadline | None = None) -> list[Quota]:
        """The limits of the region and of the project, in two calls."""
        return self._quotas.all(self._client.retries.deadline(deadline))

    def check(self) -> list[str]:
        """Credentials first, then what may be looked at, then what IAM says may be done; changes nothing."""
        return self._checks.lines(self._client.retries.deadline(None))
