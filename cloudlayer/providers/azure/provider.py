"""Azure in one location, connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.interfaces import Access, Clock, Deadline, SystemClock
from cloudlayer.providers.azure.autoscaling.verbs import AzureAutoscaling
from cloudlayer.providers.azure.capabilities import CAPABILITIES
from cloudlayer.providers.azure.checks import Checks
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.catalogue import Catalogue
from cloudlayer.providers.azure.compute.choices import Choices
from cloudlayer.providers.azure.compute.images import Images
from cloudlayer.providers.azure.compute.network import Network
from cloudlayer.providers.azure.compute.verbs import AzureCompute
from cloudlayer.providers.azure.leftovers import LaunchPieces
from cloudlayer.providers.azure.load_balancing.verbs import AzureLoadBalancing
from cloudlayer.providers.azure.options import Options
from cloudlayer.providers.azure.places import Places
from cloudlayer.providers.azure.quotas import Quotas
from cloudlayer.providers.azure.storage.verbs import AzureStorage
from cloudlayer.providers.base.access import by_ssh
from cloudlayer.providers.base.leftovers import Leftovers
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.base.retries import Retries
from cloudlayer.resources import Instance, Leftover, Quota


class AzureProvider(BaseProvider):
    """Azure in one location and resource group. Making one makes no call; `clock` is for tests."""

    def __init__(self, region: str | None, options: Options, *, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self._client = Client(region, options, Retries(clock=clock))
        super().__init__(self._client.region, CAPABILITIES)
        places = Places(self._client)
        catalogue = Catalogue(self._client, clock, options.machine_types, options.prices)
        choices = Choices(catalogue, Images(self._client))
        self._compute = AzureCompute(self._client, CAPABILITIES, choices, places, clock)
        self._autoscaling = AzureAutoscaling(self._client, CAPABILITIES, choices, places, clock)
        self._load_balancing = AzureLoadBalancing(self._client, CAPABILITIES, places, clock)
        self._storage = AzureStorage(self._client, CAPABILITIES, catalogue, places, clock)
        self._quotas = Quotas(self._client)
        self._checks = Checks(self._client, catalogue)
        pieces = LaunchPieces(self._client, Network(self._client, clock), clock)
        self._leftovers = Leftovers((self._autoscaling, self._load_balancing, pieces), self._client.retries)

    @property
    def compute(self) -> AzureCompute:
        """Virtual machines."""
        return self._compute

    @property
    def autoscaling(self) -> AzureAutoscaling:
        """Virtual machine scale sets."""
        return self._autoscaling

    @property
    def load_balancing(self) -> AzureLoadBalancing:
        """Standard Load Balancers."""
        return self._load_balancing

    @property
    def storage(self) -> AzureStorage:
        """Managed disks, their snapshots, and shares of Azure Files."""
        return self._storage

    def access(self, instance: Instance) -> Access | None:
        """By SSH, at its public address where it has one."""
        return by_ssh(instance)

    def native(self, service: str) -> Any:
        """The SDK's client for a service: "compute", "network", "storage" or "monitor", at its newest API version."""
        return self._client.service(service)

    def leftovers(self, labels: Mapping[str, str], *, deadline: Deadline | None = None) -> list[Leftover]:
        """Pieces with all of `labels`; those of the last quarter of an hour are spared: a create may be about to use them."""
        return self._leftovers.all(labels, deadline)

    def delete_leftover(self, leftover: Leftover, *, deadline: Deadline | None = None) -> None:
        """Delete one of them; InvalidSpec for what `leftovers` never tells."""
        self._leftovers.delete(leftover, deadline)

    def quotas(self, *, deadline: Deadline | None = None) -> list[Quota]:
        """The limits of the subscription in this location: compute's and the network's, with their use."""
        return self._quotas.all(self._client.retries.deadline(deadline))

    def check(self) -> list[str]:
        """Credentials, resource group and location, then the right to look: making things cannot be tried."""
        return self._checks.lines(self._client.retries.deadline(None))
