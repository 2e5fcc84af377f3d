"""OpenStack in one region, connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.interfaces import Access, Capabilities, Capability, Clock, Deadline, SystemClock
from cloudlayer.providers.base.access import by_ssh
from cloudlayer.providers.base.capabilities import missing
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.openstack.autoscaling.groups import Targets
from cloudlayer.providers.openstack.autoscaling.verbs import HeatAutoscaling
from cloudlayer.providers.openstack.capabilities import DECLARED, Declared
from cloudlayer.providers.openstack.checks import Checks
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.catalogue import Catalogue
from cloudlayer.providers.openstack.compute.choices import Choices
from cloudlayer.providers.openstack.compute.images import Images
from cloudlayer.providers.openstack.compute.network import Network
from cloudlayer.providers.openstack.compute.verbs import NovaCompute
from cloudlayer.providers.openstack.leftovers import LaunchPieces
from cloudlayer.providers.openstack.load_balancing.verbs import OctaviaLoadBalancing
from cloudlayer.providers.openstack.options import Options
from cloudlayer.providers.openstack.quotas import Quotas
from cloudlayer.providers.openstack.storage.verbs import CinderStorage
from cloudlayer.resources import Instance, Leftover, Quota


class OpenStackProvider(BaseProvider):
    """OpenStack in one region. Making one makes no call; `clock` is for tests."""

    def __init__(self, region: str | None, options: Options, *, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self._client = Client(region, options, Retries(clock=clock))
        declared = {**DECLARED, **({"prices": Capability(True)} if options.prices else {})}
        super().__init__(self._client.region, Capabilities("openstack", Declared(self._client.has, declared)))
        self._choices = Choices(Catalogue(self._client, clock), Images(self._client), Network(self._client))
        self._launch_pieces = LaunchPieces(self._client, lambda: bool(self.capabilities["volumes"]))
        self._compute = NovaCompute(self._client, self.capabilities, self._choices, clock)
        self._autoscaling = HeatAutoscaling(self._client, self.capabilities, self._choices, clock)
        targets = Targets(self._autoscaling.stacks)
        self._load_balancing = OctaviaLoadBalancing(self._client, self.capabilities, targets, clock)
        self._storage = CinderStorage(self._client, self.capabilities, clock)

    @property
    def compute(self) -> NovaCompute:
        """Servers of Nova."""
        return self._compute

    @property
    def autoscaling(self) -> HeatAutoscaling:
        """Stacks of Heat; Unsupported where the catalogue has no Heat."""
        self._require("autoscaling")
        return self._autoscaling

    @property
    def load_balancing(self) -> OctaviaLoadBalancing:
        """Balancers of Octavia; Unsupported where the catalogue has no Octavia."""
        self._require("load_balancing")
        return self._load_balancing

    @property
    def storage(self) -> CinderStorage:
        """Volumes of Cinder; Unsupported where the catalogue has no Cinder."""
        self._require("volumes")
        return self._storage

    def access(self, instance: Instance) -> Access | None:
        """By SSH, at its public address where it has one."""
        return by_ssh(instance)

    def native(self, service: str) -> Any:
        """openstacksdk's proxy of a service, such as "compute" or "load_balancer"."""
        return self._client.service(service)

    def check(self) -> list[str]:
        """Credentials first, then each service and the roles that are needed, by calls that change nothing."""
        return Checks(self._client).run(self._client.retries.deadline(None))

    def quotas(self, *, deadline: Deadline | None = None) -> list[Quota]:
        """The limits of the project, with what is used where the service tells that."""
        return Quotas(self._client).read(self._client.retries.deadline(deadline))

    def leftovers(self, labels: Mapping[str, str], *, deadline: Deadline | None = None) -> list[Leftover]:
        """Pieces with all of `labels` that were made for a thing which is not there."""
        return self._launch_pieces.leftovers(labels, self._client.retries.deadline(deadline))

    def delete_leftover(self, leftover: Leftover, *, deadline: Deadline | None = None) -> None:
        """Delete one of them; one that is gone is no error, one that is in use after all stays."""
        if not self._launch_pieces.delete_leftover(leftover, self._client.retries.deadline(deadline)):
            super().delete_leftover(leftover, deadline=deadline)

    def _require(self, name: str) -> None:
        if not self.capabilities[name]:
            raise missing(self.capabilities, name)
