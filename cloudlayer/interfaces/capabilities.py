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

    Compute: on_demand, spot, reserved, idempotent_create, batch_create, user_data, disks, public_address, open_ports,
    stop_start, reboot, resize, console_log, images, labels, prices, expiry (an instance that shuts itself down is deleted).
    Autoscaling, `autoscaling` as a whole and group_: zones, machine_types, target_tracking, step, step_metric, scheduled,
    balancer, replace. Load balancing, `load_balancing` as a whole and balancer_: tcp, http, https, instances, addresses,
    groups, health, http_check, public. Storage, `volumes` as a whole and volume_: types, speeds, grow, grow_attached,
    snapshots; snapshots_outlive_volumes; `shares` as a whole and share_: nfs, smb. Machines: one `engine:NAME` for each
    engine that their instances can run.
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
