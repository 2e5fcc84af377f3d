"""The simulated provider: a region of a world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.errors import CloudError, Unsupported
from cloudlayer.interfaces import Capabilities, Capability, Deadline, Engine
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.simulated import limits, pieces
from cloudlayer.providers.simulated.autoscaling import SimulatedAutoscaling
from cloudlayer.providers.simulated.calls import Calls
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.providers.simulated.load_balancing import SimulatedLoadBalancing
from cloudlayer.providers.simulated.storage import SimulatedStorage
from cloudlayer.resources import Instance, Leftover, Quota
from cloudlayer.runtime.simulated import SimulatedEngine, Simulation
from cloudlayer.runtime.simulated.records import Document

_SUPPORTED: Final = (
    *("on_demand", "spot", "reserved", "idempotent_create", "batch_create", "user_data", "disks", "public_address"),
    *("open_ports", "stop_start", "reboot", "resize", "console_log", "images", "labels", "prices", "engine:simulated"),
    *("autoscaling", "group_zones", "group_machine_types", "group_target_tracking", "group_step", "group_step_metric"),
    *("group_scheduled", "group_balancer", "group_replace", "load_balancing", "balancer_tcp", "balancer_http"),
    *("balancer_https", "balancer_instances", "balancer_addresses", "balancer_groups", "balancer_health"),
    *("balancer_http_check", "balancer_public", "volumes", "volume_types", "volume_speeds", "volume_grow"),
    *("volume_grow_attached", "volume_snapshots", "snapshots_outlive_volumes", "shares", "share_nfs", "share_smb"),
)
_ENGINE_REASON: Final = "simulated machines run simulated replicas alone: use the simulated engine"
_MISSING: Final = {
    "engine:process": _ENGINE_REASON,
    "engine:docker": _ENGINE_REASON,
    "expiry": "a simulated machine has no system that could shut it down; advance the clock, and delete it",
}


class SimulatedProvider(BaseProvider):
    """One region of a world. `world` leads to the world itself."""

    def __init__(self, region: str, world: Simulation) -> None:
        can = {name: Capability(True) for name in _SUPPORTED}
        cannot = {name: Capability(False, reason) for name, reason in _MISSING.items()}
        super().__init__(region, Capabilities(PROVIDER, can | cannot))
        self.world = world
        self._compute = SimulatedCompute(self.capabilities, region, world)
        self._autoscaling = SimulatedAutoscaling(self.capabilities, region, world)
        self._load_balancing = SimulatedLoadBalancing(self.capabilities, region, world)
        self._storage = SimulatedStorage(self.capabilities, region, world)
        self._calls = Calls(world, region)

    @property
    def compute(self) -> SimulatedCompute:
        """Instances."""
        return self._compute

    @property
    def autoscaling(self) -> SimulatedAutoscaling:
        """Scaling groups."""
        return self._autoscaling

    @property
    def load_balancing(self) -> SimulatedLoadBalancing:
        """Load balancers."""
        return self._load_balancing

    @property
    def storage(self) -> SimulatedStorage:
        """Volumes, snapshots and shares."""
        return self._storage

    def engine(self, name: str, instance: Instance) -> Engine:
        """The simulated engine on an instance."""
        if name != "simulated":
            return super().engine(name, instance)
        return SimulatedEngine(self.world, instance.id)

    def native(self, service: str) -> Any:
        """The world, as the service "world"."""
        if service != "world":
            raise Unsupported(f'the simulated cloud has no service {service}: there is "world"', provider=PROVIDER)
        return self.world

    def check(self) -> list[str]:
        """What a call of the cloud says, if it does not go through."""
        try:
            self.world.perform("check", self.region, lambda _document, _now: None)
        except CloudError as error:
            return [str(error)]
        return []

    def quotas(self, *, deadline: Deadline | None = None) -> list[Quota]:
        """The world's limits, which hold over all regions."""
        return self._calls.run("quotas", self.region, limits.quotas, deadline)

    def leftovers(self, labels: Mapping[str, str], *, deadline: Deadline | None = None) -> list[Leftover]:
        """The region's pieces with these labels whose thing is not there, and that no create is on its way to use."""
        wanted = dict(labels)

        def page(document: Document, now: float, after: str | None) -> tuple[list[Leftover], str | None]:
            return pieces.left(document, now, self.region, wanted, after)

        return self._calls.pages("leftovers", page, deadline)

    def delete_leftover(self, leftover: Leftover, *, deadline: Deadline | None = None) -> None:
        """Delete one of them, unless it is in use."""
        self._calls.discard([leftover.id], deadline)
