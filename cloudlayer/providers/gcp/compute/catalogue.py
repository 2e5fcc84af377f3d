"""What Compute Engine sells in a region: machine types, where each is on offer, how it is bought, at which price."""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.kept import Kept
from cloudlayer.providers.gcp.client import Client, basename
from cloudlayer.providers.gcp.compute.accelerators import Machine, attachments, devices, parse_machine
from cloudlayer.providers.gcp.compute.live_prices import LIVE, LivePrices
from cloudlayer.providers.gcp.compute.prices import ListedPrices, Parts, Prices
from cloudlayer.providers.gcp.compute.properties import LOCAL_SSD_GIB
from cloudlayer.providers.gcp.places import Places
from cloudlayer.resources import MachineType, Offer, Price
from cloudlayer.units import GIB, MIB

_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_HYPERVISOR_SHARE: Final = 0.04
_SYSTEM_SHARE: Final = 256 * MIB
_ARCHITECTURES: Final = {"": "x86_64", "X86_64": "x86_64", "ARM64": "arm64"}
_OUTDATED: Final = ("OBSOLETE", "DELETED")
_PAID: Final = "reservation, paid for whether used or not"


@dataclass(frozen=True, slots=True)
class Sold:
    """A machine type with the zones that sell it and what its price is summed from; `machine` tells what is attached to it."""

    machine: Machine
    kind: MachineType
    parts: Parts
    zones: tuple[str, ...]


class Catalogue:
    """Offers of one region. What is sold where is kept for an hour, live prices for a day; reservations are asked for anew."""

    def __init__(self, client: Client, clock: Clock, machine_types: tuple[str, ...] = (), prices: str | None = None) -> None:
        self._client = client
        self._clock = clock
        self._patterns = machine_types
        self._places = Places(client)
        listed = ListedPrices(client.region, None if prices == LIVE else prices)
        self._prices: Prices = LivePrices(client, listed) if prices == LIVE else listed
        self._loaded = Kept(self._load_prices, _DAY, clock)
        self._sold = Kept(self._load_sold, _HOUR, clock)
        self._single: dict[str, Sold] = {}

    def offers(self, deadline: Deadline | None = None) -> list[Offer]:
        """Everything on sale, by zone and type, and the reservations of the project."""
        sold, prices = self._sold.get(deadline), self._loaded.get(deadline)
        offers = [offer for one in sold for offer in self._sale(one, prices)]
        return offers + list(self._reserved(sold, deadline))

    def sold(self, name: str, deadline: Deadline | None = None) -> Sold:
        """One machine type by its name, whether the options limit what is on offer to others or not.

        InvalidSpec if no zone here sells it. Custom types are not listed, but can be had by their name ("n2-custom-4-8192").
        """
        if name not in self._single:
            self._single[name] = self._look_up(name, deadline)
        return self._single[name]

    def reserved(self, name: str, deadline: Deadline | None = None) -> list[Offer]:
        """The reservations for a machine type that can be named."""
        return list(self._reserved([self.sold(name, deadline)], deadline))

    def _look_up(self, name: str, deadline: Deadline | None) -> Sold:
        machine = parse_machine(name)
        found = self._described(machine.base, deadline)
        zones = {basename(one.zone) for one in found}
        if machine.count:
            zones &= self._zones_with(machine.kind, deadline)
            fitting = attachments(machine.base, found[0].guest_cpus) if found else ()
            zones = zones if machine in list(fitting) else set()
        if not zones:
            raise InvalidSpec(f"machine_type: {name} is sold nowhere in {self._client.region}; see `cloudlayer offers`")
        return _sold(found[0], machine, zones)

    def _described(self, base: str, deadline: Deadline | None) -> list[Any]:
        """What the zones that sell it say of a machine type."""
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", base, re.ASCII):
            return []
        listed = self._client.everywhere("machine_types", filter=f'name = "{base}"', deadline=deadline)
        found = [one for one in listed if one.name == base]
        return found or [one for zone in self._zones(deadline) for one in self._in_zone(base, zone, deadline)]

    def _in_zone(self, base: str, zone: str, deadline: Deadline | None) -> list[Any]:
        try:
            return [self._client.call("machine_types", "get", zone=zone, machine_type=base, deadline=deadline)]
        except NotFound:
            return []

    def _zones_with(self, kind: str, deadline: Deadline | None) -> set[str]:
        listed = self._client.everywhere("accelerator_types", filter=f'name = "{kind}"', deadline=deadline)
        return {basename(one.zone) for one in listed if one.name == kind}

    def _zones(self, deadline: Deadline | None) -> list[str]:
        return self._places.zones(self._client.retries.deadline(deadline))

    def _load_sold(self, deadline: Deadline | None) -> list[Sold]:
        """The machine types that the options let through, with and without devices attached. A list for each zone."""
        zones = self._zones(deadline)
        kinds: dict[str, Any] = {}
        places: dict[str, set[str]] = defaultdict(set)
        filters = {"filter": wanted} if (wanted := _filter(self._patterns)) else {}
        for zone in zones:
            for found in self._client.pages("machine_types", zone=zone, deadline=deadline, **filters):
                if found.deprecated.state not in _OUTDATED:
                    kinds.setdefault(found.name, found)
                    places[found.name].add(zone)
        attachable = self._attachable(kinds.values(), zones, deadline)
        sold = (one for name in sorted(kinds) for one in _variants(kinds[name], places[name], attachable))
        return [one for one in sold if self._is_wanted(str(one.machine))]

    def _attachable(self, kinds: Iterable[Any], zones: Iterable[str], deadline: Deadline | None) -> dict[str, set[str]]:
        """The zones with devices of a kind to attach; not asked for where nothing takes them."""
        places: dict[str, set[str]] = defaultdict(set)
        if any(next(attachments(kind.name, kind.guest_cpus), None) for kind in kinds):
            for zone in zones:
                for found in self._client.pages("accelerator_types", zone=zone, deadline=deadline):
                    places[found.name].add(zone)
        return places

    def _is_wanted(self, name: str) -> bool:
        return not self._patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in self._patterns)

    def _load_prices(self, deadline: Deadline | None) -> Prices:
        if isinstance(self._prices, LivePrices):
            self._prices.load(deadline)
        return self._prices

    def _sale(self, sold: Sold, prices: Prices) -> Iterator[Offer]:
        for zone in sold.zones:
            for purchase in ("on_demand", "spot"):
                price = prices.of(sold.parts, purchase)
                yield Offer("gcp", self._client.region, zone, sold.kind, purchase, price)

    def _reserved(self, sold: Iterable[Sold], deadline: Deadline | None) -> Iterator[Offer]:
        """Reservations that can be named. Whoever has one pays for it, used or not: using it costs nothing more."""
        kinds = {str(one.machine): one.kind for one in sold}
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        for found in self._client.everywhere("reservations", deadline=deadline):
            held = found.specific_reservation
            kind = kinds.get(str(_reserved_machine(held.instance_properties)))
            if kind is None or found.status != "READY" or not found.specific_reservation_required:
                continue  # what is not made to be named is used by whatever fits it, bought on demand
            yield Offer(
                "gcp",
                self._client.region,
                basename(found.zone),
                kind,
                "reserved",
                Price(0.0, "USD", _PAID, today),
                available=max(0, held.count - held.in_use_count),
                reservation=found.name,
            )


def _variants(found: Any, zones: set[str], attachable: Mapping[str, set[str]]) -> Iterator[Sold]:
    """A machine type as it is, and with each number of devices that it takes where there are some."""
    if all(device.guest_accelerator_type in devices() for device in found.accelerators):
        yield _sold(found, Machine(found.name), zones)
    for machine in attachments(found.name, found.guest_cpus):
        if both := zones & attachable.get(machine.kind, set()):
            yield _sold(found, machine, both)


def _sold(found: Any, machine: Machine, zones: Iterable[str]) -> Sold:
    """A machine type from the cloud's description of it.

    Of the memory, 4 % are taken as the hypervisor's and the firmware's share and 256 MiB as the system's, so that a plan
    holds on the machine; what it reports once it is up is exact.
    """
    memory = int(found.memory_mb) * MIB
    built_in = next(((one.guest_accelerator_type, one.guest_accelerator_count) for one in found.accelerators), ("", 0))
    device, count = (machine.kind, machine.count) if machine.count else built_in
    known = devices().get(device)
    kind = MachineType(
        str(machine),
        cpu=float(found.guest_cpus),
        memory=memory,
        architecture=_ARCHITECTURES.get(found.architecture, "x86_64"),
        accelerators=(known.accelerator,) * count if known else (),
        allocatable_memory=max(int(memory * (1 - _HYPERVISOR_SHARE)) - _SYSTEM_SHARE, memory // 4),
    )
    ssd = float(found.bundled_local_ssds.partition_count * LOCAL_SSD_GIB)
    return Sold(machine, kind, Parts(machine, kind.cpu, memory / GIB, device, count, ssd), tuple(sorted(zones)))


def _reserved_machine(held: Any) -> Machine:
    cards = list(held.guest_accelerators)
    base = basename(held.machine_type)
    if base.startswith("n1-") and cards:
        return Machine(base, basename(cards[0].accelerator_type), cards[0].accelerator_count)
    return Machine(base)


def _filter(patterns: tuple[str, ...]) -> str:
    """The cloud's own filter for the machine types that the patterns may let through, whatever is attached to them."""
    bases = sorted({pattern.partition("+")[0] for pattern in patterns})
    words = [re.escape(base).replace(r"\*", ".*").replace(r"\?", ".").replace(r"\-", "-") for base in bases]
    return f'name eq "({"|".join(words)})"' if words else ""
