"""The simulated provider: a region of a world."""

from __future__ import annotations

from typing import Any, Final

from cloudlayer.errors import CloudError, Unsupported
from cloudlayer.interfaces import Capabilities, Capability, Engine
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.resources import Instance
from cloudlayer.runtime.simulated import SimulatedEngine, Simulation

_SUPPORTED: Final = (
    *("on_demand", "spot", "reserved", "idempotent_create", "batch_create", "user_data", "disks", "public_address"),
    *("open_ports", "stop_start", "reboot", "resize", "console_log", "images", "labels", "prices", "engine:simulated"),
)
_ENGINE_REASON: Final = "simulated machines run simulated replicas alone: use the simulated engine"
_MISSING: Final = {
    "autoscaling": "the simulated cloud has no scaling groups",
    "load_balancing": "the simulated cloud has no load balancers",
    "volumes": "the simulated cloud has no volumes",
    "shares": "the simulated cloud has no shares",
    "engine:process": _ENGINE_REASON,
    "engine:docker": _ENGINE_REASON,
}


class SimulatedProvider(BaseProvider):
    """One region of a world. `world` leads to the world itself."""

    def __init__(self, region: str, world: Simulation) -> None:
        can = {name: Capability(True) for name in _SUPPORTED}
        cannot = {name: Capability(False, reason) for name, reason in _MISSING.items()}
        super().__init__(region, Capabilities(PROVIDER, can | cannot))
        self.world = world
        self._compute = SimulatedCompute(self.capabilities, region, world)

    @property
    def compute(self) -> SimulatedCompute:
        """Instances."""
        return self._compute

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
