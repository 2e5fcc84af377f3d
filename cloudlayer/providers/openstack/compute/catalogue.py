"""What a region of OpenStack sells: its flavors, each in every availability zone."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.gpus import Gpus
from cloudlayer.providers.openstack.compute.prices import load_prices
from cloudlayer.resources import MachineType, Offer
from cloudlayer.units import GIB, MIB

_HOLDS: Final = 300.0
_FIRMWARE_SHARE: Final = 0.03
_SYSTEM_SHARE: Final = 256 * MIB
_ARM: Final = ("aarch64", "arm64")
_ARCHITECTURE_SPECS: Final = ("capabilities:cpu_info:arch", "hw:architecture", "hw_architecture")


class Catalogue:
    """Offers of one region. Flavors and zones are kept for five minutes; a flavor that is asked for and not among them is
    looked up anew."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._prices = load_prices(client.region, client.options.prices)
        self._gpus = Gpus(client.options.gpus)
        self._lock = threading.Lock()
        self._sold: tuple[float, dict[str, tuple[MachineType, str]], list[str]] | None = None

    def offers(self, deadline: Deadline | None = None) -> list[Offer]:
        """Each flavor in each zone. Nova does not tell which zone's hosts can take which flavor."""
        flavors, zones = self._load(deadline)
        return [
            Offer("openstack", self._client.region, zone, kind, "on_demand", self._prices.get(kind.name))
            for kind, _ in flavors.values()
            for zone in zones
        ]

    def flavor(self, name: str, deadline: Deadline | None = None) -> tuple[MachineType, str]:
        """A flavor by name or id: its machine type, and its id. InvalidSpec if there is none."""
        for fresh in (False, True):
            flavors, _ = self._load(deadline, fresh=fresh)
            if name in flavors:
                return flavors[name]
            found = next((flavor for flavor in flavors.values() if flavor[1] == name), None)
            if found is not None:
                return found
        raise InvalidSpec(f'machine_type: no flavor is called "{name}" here; there are {", ".join(sorted(flavors)) or "none"}')

    def zones(self, deadline: Deadline | None = None) -> list[str]:
        """The availability zones that take servers."""
        return self._load(deadline)[1]

    def _load(self, deadline: Deadline | None, *, fresh: bool = False) -> tuple[dict[str, tuple[MachineType, str]], list[str]]:
        with self._lock:
            now = self._clock.monotonic()
            if fresh or self._sold is None or now - self._sold[0] > _HOLDS:
                found = self._client.pages("compute", "/flavors/detail", "flavors", deadline=deadline)
                flavors = {flavor["name"]: (machine_type(flavor, self._gpus), str(flavor["id"])) for flavor in found}
                self._sold = now, flavors, self._zones(deadline)
            return self._sold[1:]

    def _zones(self, deadline: Deadline | None) -> list[str]:
        answer = self._client.call("compute", "GET", "/os-availability-zone", deadline=deadline)
        return sorted(zone["zoneName"] for zone in answer["availabilityZoneInfo"] if zone["zoneState"]["available"])


def machine_type(flavor: Mapping[str, Any], gpus: Gpus) -> MachineType:
    """A machine type from Nova's flavor.

    Of the memory, 3 % are taken as the firmware's and the kernel's share and 256 MiB as the system's, so that a plan holds on
    the machine; what it reports once it is up is exact. A flavor without a disk of its own boots from a volume.
    """
    memory = int(flavor["ram"]) * MIB
    extra_specs = flavor.get("extra_specs") or {}
    return MachineType(
        flavor["name"],
        cpu=float(flavor["vcpus"]),
        memory=memory,
        architecture=_architecture(extra_specs),
        accelerators=gpus.of(extra_specs),
        disk=int(flavor["disk"]) * GIB or None,
        allocatable_memory=max(int(memory * (1 - _FIRMWARE_SHARE)) - _SYSTEM_SHARE, memory // 4),
    )


def _architecture(extra_specs: Mapping[str, str]) -> str:
    told = [value.lower() for name, value in extra_specs.items() if name in _ARCHITECTURE_SPECS]
    traits = [name.lower() for name, value in extra_specs.items() if name.startswith("trait") and value == "required"]
    arm = any(word in text for text in (*told, *traits) for word in _ARM)
    return "arm64" if arm else "x86_64"
