"""What a provider can do, as data: positive, and with a reason where something is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudlayer.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that can be done, or the reason why it cannot."""

    supported: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.supported


@dataclass(frozen=True)
class Capabilities:
    """Capabilities by name, for one provider in one region; what is not listed cannot be done.

    Names of Compute: on_demand, spot, reserved, idempotent_create, batch_create, user_data, disks, public_address, open_ports,
    stop_start, reboot, resize, console_log, images, labels, prices. Of the other interfaces: autoscaling, load_balancing,
    volumes, shares. Of machines: one `engine:NAME` for each engine that their instances can run.
    """

    provider: str
    items: Mapping[str, Capability] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Capability:
        missing = Capability(False, f"{self.provider} does not declare {name}")
        return self.items.get(name, missing)

    def require(self, name: str) -> None:
        """Raise Unsupported with the reason if `name` cannot be done."""
        capability = self[name]
        if not capability:
            raise Unsupported(f"{name.replace('_', ' ')}: {capability.reason}", provider=self.provider)

    def engines(self) -> tuple[str, ...]:
        """The engines that this provider's instances can run."""
        names = (name for name, capability in self.items.items() if capability)
        return tuple(sorted(name.removeprefix("engine:") for name in names if name.startswith("engine:")))
