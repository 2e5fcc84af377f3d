"""What EC2 sells in a region: machine types, where each is on offer, how it is bought, at which price."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.aws.client import Client, filters
from cloudlayer.providers.aws.compute.live_prices import LIVE, live_prices
from cloudlayer.providers.aws.compute.prices import load_prices
from cloudlayer.providers.base.devices import sold_as
from cloudlayer.providers.base.kept import Kept
from cloudlayer.resources import Accelerator, MachineType, Offer, Price
from cloudlayer.units import MIB

_HOUR: Final = 3600.0
_SPOT_PRICES_HOLD: Final = 300.0
_PRICES_HOLD: Final = 86400.0
_BLOCK: Final = "capacity-block"
_TYPES_PAGE: Final = 100
_HYPERVISOR_SHARE: Final = 0.075
_SYSTEM_SHARE: Final = 256 * MIB
_ARCHITECTURES: Final = ("x86_64", "arm64")

_PAID: Final = {
    False: "capacity reservation, paid for whether used or not",
    True: "capacity block, paid for in advance",
}


class Catalogue:
    """Offers of one region. What is sold where is kept for an hour, live prices for a day, spot prices for five minutes."""

    def __init__(self, client: Client, clock: Clock, machine_types: tuple[str, ...] = (), prices: str | None = None) -> None:
        self._client = client
        self._clock = clock
        self._wanted = filters(instance_type=list(machine_types))
        self._listed = load_prices(client.region, None if prices == LIVE else prices)
        self._live = Kept(lambda deadline: live_prices(client, deadline), _PRICES_HOLD, clock) if prices == LIVE else None
        self._sold = Kept(self._load_sold, _HOUR, clock)
        self._spot = Kept(self._load_spot, _SPOT_PRICES_HOLD, clock)
        self._single: dict[str, MachineType] = {}

    def machine_type(self, name: str, deadline: Deadline | None = None) -> MachineType:
        """One type by its name, whether it is on offer here or not; RejectedSpec if EC2 has none of that name."""
        if name not in self._single:
            answer = self._client.call("describe_instance_types", InstanceTypes=[name], deadline=deadline)
            self._single[name] = machine_type(answer["InstanceTypes"][0])
        return self._single[name]

    def offers(self, deadline: Deadline | None = None) -> list[Offer]:
        """Everything on sale, by zone and type."""
        kinds, places = self._sold.get(deadline)
        spot, prices = self._spot.get(deadline), self._on_demand(deadline)
        offers = [offer for name, zone in places for offer in self._sale(kinds[name], zone, prices, spot)]
        return offers + list(self._reserved({name: kind for name, (kind, _) in kinds.items()}, deadline))

    def is_block(self, reservation: str, deadline: Deadline | None = None) -> bool:
        """Whether a reservation is a capacity block, which EC2 launches into by another option than into the others."""
        answer = self._client.call("describe_capacity_reservations", CapacityReservationIds=[reservation], deadline=deadline)
        return any(found.get("ReservationType") == _BLOCK for found in answer["CapacityReservations"])

    def _on_demand(self, deadline: Deadline | None) -> dict[str, Price]:
        """Prices by machine type: AWS's own where they are asked for, those of the list for the rest."""
        return self._listed if self._live is None else {**self._listed, **self._live.get(deadline)}

    def _sale(
        self,
        sold: tuple[MachineType, tuple[str, ...]],
        zone: str,
        prices: dict[str, Price],
        spot: dict[tuple[str, str], Price],
    ) -> Iterator[Offer]:
        kind, usage = sold
        if "on-demand" in usage:
            yield Offer("aws", self._client.region, zone, kind, "on_demand", prices.get(kind.name))
        if "spot" in usage:
            yield Offer("aws", self._client.region, zone, kind, "spot", spot.get((kind.name, zone)))

    def _load_sold(
        self, deadline: Deadline | None
    ) -> tuple[dict[str, tuple[MachineType, tuple[str, ...]]], list[tuple[str, str]]]:
        """Types by name with their usage classes, and the (type, zone) pairs that are sold."""
        described = self._client.pages(
            "describe_instance_types", "InstanceTypes", page=_TYPES_PAGE, Filters=self._wanted, deadline=deadline
        )
        kinds = {
            found["InstanceType"]: (machine_type(found), tuple(found.get("SupportedUsageClasses", ())))
            for found in described
            if _architecture(found) is not None
        }
        offerings = self._client.pages(
            "describe_instance_type_offerings",
            "InstanceTypeOfferings",
            LocationType="availability-zone",
            Filters=self._wanted,
            deadline=deadline,
        )
        places = sorted({(found["InstanceType"], found["Location"]) for found in offerings})
        return kinds, [(name, zone) for name, zone in places if name in kinds]

    def _load_spot(self, deadline: Deadline | None) -> dict[tuple[str, str], Price]:
        """The latest spot price of each type in each zone, for Linux."""
        history = self._client.pages(
            "describe_spot_price_history",
            "SpotPriceHistory",
            StartTime=datetime.fromtimestamp(self._clock.now(), UTC),
            ProductDescriptions=["Linux/UNIX"],
            Filters=self._wanted,
            deadline=deadline,
        )
        latest: dict[tuple[str, str], dict[str, Any]] = {}
        for found in history:
            key = (found["InstanceType"], found["AvailabilityZone"])
            if key not in latest or found["Timestamp"] > latest[key]["Timestamp"]:
                latest[key] = found
        return {key: _spot_price(found) for key, found in latest.items()}

    def _reserved(self, kinds: dict[str, MachineType], deadline: Deadline | None) -> Iterator[Offer]:
        """Open capacity reservations and blocks. Whoever has one pays for it, used or not: using it costs nothing more."""
        found = self._client.pages(
            "describe_capacity_reservations", "CapacityReservations", Filters=filters(state="active"), deadline=deadline
        )
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        for item in found:
            kind = kinds.get(item["InstanceType"])
            if kind is None or not item.get("InstancePlatform", "Linux/UNIX").startswith("Linux/UNIX"):
                continue
            yield Offer(
                "aws",
                self._client.region,
                item["AvailabilityZone"],
                kind,
                "reserved",
                Price(0.0, "USD", _PAID[item.get("ReservationType") == _BLOCK], today),
                available=int(item["AvailableInstanceCount"]),
                reservation=item["CapacityReservationId"],
            )


def machine_type(found: dict[str, Any]) -> MachineType:
    """A machine type from EC2's description of it.

    Of the memory, 7.5 % are taken as the hypervisor's and the firmware's share and 256 MiB as the system's, so that a plan
    holds on the machine; what it reports once it is up is exact.
    """
    memory = int(found["MemoryInfo"]["SizeInMiB"]) * MIB
    return MachineType(
        found["InstanceType"],
        cpu=float(found["VCpuInfo"]["DefaultVCpus"]),
        memory=memory,
        architecture=_architecture(found) or "x86_64",
        accelerators=tuple(_accelerators(found)),
        allocatable_memory=max(int(memory * (1 - _HYPERVISOR_SHARE)) - _SYSTEM_SHARE, memory // 4),
    )


def _architecture(found: dict[str, Any]) -> str | None:
    """Its architecture; None for what we cannot use, such as a Mac."""
    supported = found["ProcessorInfo"]["SupportedArchitectures"]
    return next((name for name in _ARCHITECTURES if name in supported), None)


def _accelerators(found: dict[str, Any]) -> Iterator[Accelerator]:
    for device in found.get("GpuInfo", {}).get("Gpus", ()):
        memory = int(device["MemoryInfo"]["SizeInMiB"]) * MIB
        yield from [Accelerator(sold_as(device["Name"], memory), memory)] * int(device["Count"])


def _spot_price(found: dict[str, Any]) -> Price:
    seen: date = found["Timestamp"].date()
    return Price(float(found["SpotPrice"]), "USD", "EC2 spot price history", seen)
