"""What an OpenStack cloud can do: what this driver can, less what needs a service that the cloud's catalogue has not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from cloudlayer.interfaces import Capability

_NO_PROCESSES: Final = Capability(False, 'the process engine works on this host alone; name engine = "docker"')
_NO_EXPIRY: Final = Capability(
    False,
    "Nova keeps a server that shuts itself down, with all that is reserved for it, until it is deleted from outside: "
    "`cloudlayer sweep` deletes what is left",
)
_NO_SHARES: Final = Capability(False, "Manila is not supported yet; use a volume")

COMPUTE: Final[Mapping[str, Capability]] = {
    **dict.fromkeys(
        (
            *("on_demand", "idempotent_create", "batch_create", "user_data", "public_address", "open_ports"),
            *("stop_start", "reboot", "resize", "console_log", "images", "labels"),
        ),
        Capability(True),
    ),
    "spot": Capability(False, 'Nova sells nothing that it takes back; use purchase = "on_demand"'),
    "reserved": Capability(False, 'Nova keeps no reservations, and Blazar\'s are not supported; use purchase = "on_demand"'),
}
_NO_ALARMS: Final = "Heat needs an alarm service (Aodh) for it, which is not supported; execute step policies by their names"
AUTOSCALING: Final[Mapping[str, Capability]] = {
    **dict.fromkeys(("autoscaling", "group_step", "group_balancer", "group_replace"), Capability(True)),
    "group_zones": Capability(False, "Heat's groups spread over no zones; make a group without, or instances in each zone"),
    "group_machine_types": Capability(False, "Heat's groups have one flavor; name it in the template"),
    "group_target_tracking": Capability(False, _NO_ALARMS),
    "group_step_metric": Capability(False, _NO_ALARMS),
    "group_scheduled": Capability(False, "Heat keeps no schedules; call set_desired at the times"),
}
LOAD_BALANCING: Final[Mapping[str, Capability]] = {
    **dict.fromkeys(
        (
            *("load_balancing", "balancer_tcp", "balancer_http", "balancer_https", "balancer_instances"),
            *("balancer_addresses", "balancer_groups", "balancer_health", "balancer_http_check", "balancer_public"),
        ),
        Capability(True),
    ),
}
STORAGE: Final[Mapping[str, Capability]] = {
    **dict.fromkeys(("volumes", "volume_types", "volume_grow", "volume_grow_attached", "volume_snapshots"), Capability(True)),
    "volume_speeds": Capability(False, "Cinder's volume types set the speeds; choose a type"),
    "snapshots_outlive_volumes": Capability(False, "Cinder keeps a volume while it has snapshots; delete those first"),
}

NEEDS: Final[Mapping[str, tuple[str, str]]] = {
    "autoscaling": ("orchestration", "Heat"),
    "load_balancing": ("load-balancer", "Octavia"),
    "volumes": ("block-storage", "Cinder"),
    "disks": ("block-storage", "Cinder"),
    "balancer_https": ("key-manager", "Barbican"),
}
"""The service, by its type in the catalogue and its name, without which a capability is not there."""

_PREFIXES: Final = {"group_": "autoscaling", "balancer_": "load_balancing", "volume_": "volumes", "snapshots_": "volumes"}


class Declared(Mapping[str, Capability]):
    """Capabilities by name. The catalogue is asked, once, by the first look at one that needs a service of its own."""

    def __init__(self, has: Callable[[str], bool], declared: Mapping[str, Capability]) -> None:
        self._has = has
        self._declared = declared
        self._found: dict[str, bool] = {}

    def __getitem__(self, name: str) -> Capability:
        capability = self._declared[name]
        wholes = [whole for prefix, whole in _PREFIXES.items() if name.startswith(prefix)]
        for needed in (*wholes, name):
            if capability and needed in NEEDS and not self._is_there(NEEDS[needed][0]):
                service, word = NEEDS[needed]
                return Capability(False, f"this cloud's catalogue has no service {service} ({word}); ask its operator for it")
        return capability

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)

    def _is_there(self, service: str) -> bool:
        if service not in self._found:
            self._found[service] = self._has(service)
        return self._found[service]


DECLARED: Final[Mapping[str, Capability]] = {
    **COMPUTE,
    "disks": Capability(True),
    "prices": Capability(
        False, "OpenStack publishes no prices; give the option prices, the path of your operator's price file"
    ),
    **AUTOSCALING,
    **LOAD_BALANCING,
    **STORAGE,
    **dict.fromkeys(("shares", "share_nfs", "share_smb"), _NO_SHARES),
    "expiry": _NO_EXPIRY,
    "engine:process": _NO_PROCESSES,
    "engine:docker": Capability(True),
}
"""What this driver declares, before the catalogue is asked."""
