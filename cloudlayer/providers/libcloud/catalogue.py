"""What a driver sells: its sizes, each in every location of the region."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.calls import Calls
from cloudlayer.providers.libcloud.gpus import gpus_of
from cloudlayer.providers.libcloud.prices import Prices
from cloudlayer.resources import MachineType, Offer
from cloudlayer.units import MIB

GLOBAL: Final = "global"
"""The region of a driver that is for all of its locations, or has none."""

_HOLDS: Final = 300.0
_FIRMWARE_SHARE: Final = 0.03
_SYSTEM_SHARE: Final = 256 * MIB
_LEAST_CPU: Final = 1.0
_CPUS: Final = ("vcpus", "vcpu", "vcpu_count", "cpu_count", "cores", "guestCpus", "numberOfCores", "cpu", "cpus")
_PLACES: Final = ("regions", "locations", "available_locations")
_ARM: Final = ("arm", "aarch64", "graviton")
_ARCHITECTURES: Final = ("architecture", "arch", "physicalProcessor")


@dataclass(frozen=True, slots=True)
class Sold:
    """What was looked up: machine types with Libcloud's sizes by name, and Libcloud's locations by zone.

    `elsewhere` are the locations of the driver that are not of the region.
    """

    kinds: Mapping[str, tuple[MachineType, Any]]
    zones: Mapping[str, Any]
    elsewhere: Mapping[str, Any]

    def kind_of(self, told: Any) -> str:
        """The machine type that a driver's word for a size means: a size, its id or its name, or a path that ends in it."""
        word = _word(told)
        for name, (_, size) in self.kinds.items():
            if word in (name, str(size.id), str(size.name)):
                return name
        return word.rpartition("/")[2]

    def zone_of(self, told: Any) -> str:
        """The zone that a driver's word for a location means."""
        word = _word(told)
        for name, location in (*self.zones.items(), *self.elsewhere.items()):
            if location is not None and word in (name, str(location.id), str(location.name)):
                return name
        return word


class Catalogue:
    """Offers of one driver. Sizes and locations are kept for five minutes.

    `wanted` is the region that was asked for; `regional` says that the driver was made for one, and its locations are zones.
    """

    def __init__(
        self,
        calls: Calls,
        driver: str,
        adapter: Adapter,
        prices: Prices,
        clock: Clock,
        *,
        locations: bool,
        wanted: str | None,
        regional: bool,
        patterns: Iterable[str] = (),
    ) -> None:
        self._calls = calls
        self._driver = driver
        self._adapter = adapter
        self._prices = prices
        self._clock = clock
        self._locations = locations
        self._wanted = wanted
        self._regional = regional
        self._patterns = tuple(patterns)
        self._lock = threading.Lock()
        self._sold: tuple[float, Sold] | None = None

    def offers(self, deadline: Deadline | None = None) -> list[Offer]:
        """Each size in each zone, but where the driver tells that it is not sold there."""
        where, sold = self._calls.where, self.sold(deadline)
        return [
            Offer(where.provider, where.region or GLOBAL, zone, kind, "on_demand", self._prices.of(size, kind.name))
            for kind, size in sold.kinds.values()
            for zone, location in sold.zones.items()
            if _is_sold(size, zone, location)
        ]

    @property
    def may_choose(self) -> bool:
        """Whether the cloud may choose among all zones: not where they are regions of their own, or one was asked for."""
        return self._regional

    def kind(self, name: str, deadline: Deadline | None = None) -> tuple[MachineType, Any]:
        """A machine type by name or by Libcloud's id, with Libcloud's size. InvalidSpec if there is none."""
        sold = self.sold(deadline)
        found = sold.kinds.get(sold.kind_of(name))
        if found is None:
            near = get_close_matches(name, sold.kinds, n=3) or sorted(sold.kinds)[:20]
            raise InvalidSpec(f'machine_type: nothing is called "{name}" here; there are {", ".join(near) or "none"}')
        return found

    def location(self, zone: str, deadline: Deadline | None = None) -> Any:
        """Libcloud's location of a zone; None for a driver that has none. InvalidSpec for a zone that is not there."""
        zones = self.sold(deadline).zones
        if zone not in zones:
            raise InvalidSpec(f'zone: "{zone}" is none of {self._calls.where.provider}\'s here: {", ".join(zones)}')
        return zones[zone]

    def sold(self, deadline: Deadline | None = None) -> Sold:
        """What is on sale."""
        with self._lock:
            now = self._clock.monotonic()
            if self._sold is None or now - self._sold[0] > _HOLDS:
                kinds = self._kinds(self._calls.run(_sizes, doing="listing sizes", deadline=deadline))
                self._sold = now, Sold(kinds, *self._zones(deadline))
            return self._sold[1]

    def _kinds(self, sizes: Iterable[Any]) -> dict[str, tuple[MachineType, Any]]:
        found = {}
        for size in sizes:
            name = str(getattr(size, self._adapter.size))
            if size.ram and (not self._patterns or any(fnmatch.fnmatchcase(name, one) for one in self._patterns)):
                found[name] = machine_type(self._driver, name, size, self._adapter), size
        return found

    def _zones(self, deadline: Deadline | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Libcloud's locations by what they are called: those of the region, which may be one of them, and the others."""
        if not self._locations:
            return {self._wanted or GLOBAL: None}, {}
        listed = self._calls.run(lambda held: held.driver.list_locations(), doing="listing locations", deadline=deadline)
        zones = {str(getattr(one, self._adapter.zone)): one for one in listed}
        if self._wanted is None:
            return zones or {GLOBAL: None}, {}
        fitting = {name: one for name, one in zones.items() if self._wanted in (name, str(one.id), str(one.name))}
        if not fitting and not self._regional:
            near = get_close_matches(self._wanted, zones, n=3) or sorted(zones)
            raise InvalidSpec(f'region: "{self._wanted}" is no location of {self._calls.where.provider}: {", ".join(near)}')
        return fitting or zones, {name: one for name, one in zones.items() if fitting and name not in fitting}


def machine_type(driver: str, name: str, size: Any, adapter: Adapter) -> MachineType:
    """A machine type from Libcloud's size. Where the driver does not tell its cores, one is counted: no machine has less.

    Of the memory, 3 % are taken as the firmware's and the kernel's share and 256 MiB as the system's.
    """
    memory = int(float(size.ram) * MIB)
    return MachineType(
        name,
        cpu=_cpu(size),
        memory=memory,
        architecture=_architecture(size.extra),
        accelerators=gpus_of(driver, name, size.extra),
        disk=int(float(size.disk) * adapter.disk) if adapter.disk and size.disk else None,
        allocatable_memory=max(int(memory * (1 - _FIRMWARE_SHARE)) - _SYSTEM_SHARE, memory // 4),
    )


def _sizes(held: Any) -> list[Any]:
    return list(held.driver.list_sizes())


def _cpu(size: Any) -> float:
    told = [getattr(size, "vcpus", None), *(size.extra.get(name) for name in _CPUS)]
    for value in told:
        try:
            cores = float(value)
        except (TypeError, ValueError):
            continue
        if cores > 0:
            return cores
    return _LEAST_CPU


def _architecture(extra: Mapping[str, Any]) -> str:
    words = " ".join(str(extra.get(name, "")) for name in _ARCHITECTURES).lower()
    return "arm64" if any(word in words for word in _ARM) else "x86_64"


def _is_sold(size: Any, zone: str, location: Any) -> bool:
    listed = next((size.extra[name] for name in _PLACES if isinstance(size.extra.get(name), list | tuple)), None)
    names = {zone} if location is None else {zone, str(location.id), str(location.name)}
    return listed is None or bool(names & {_word(one) for one in listed})


def _word(told: Any) -> str:
    """What names a thing that a driver gives as a text, a number, an object or a document."""
    if isinstance(told, Mapping):
        told = told.get("slug") or told.get("id") or told.get("name")
    if told is None or isinstance(told, str | int):
        return str(told or "")
    return str(getattr(told, "name", None) or getattr(told, "id", None) or "")
