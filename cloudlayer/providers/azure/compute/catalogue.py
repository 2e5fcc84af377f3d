"""What Azure sells in a location: sizes, the zones in which each is on offer, how it is bought, at which price."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.live_prices import LIVE, RetailPrices
from cloudlayer.providers.azure.compute.machines import Sku, read_sku
from cloudlayer.providers.azure.compute.prices import load_prices
from cloudlayer.providers.azure.marks import REGIONAL
from cloudlayer.providers.base.kept import Kept
from cloudlayer.resources import MachineType, Offer, Price
from cloudlayer.resources.machines import Purchase

ASKED: Final = "is {region} one of `az account list-locations`?"
"""What to ask about a location that Azure knows nothing of."""

_HOUR: Final = 3600.0
_DAY: Final = 86400.0

Prices = Mapping[tuple[str, Purchase], Price]


class Catalogue:
    """Offers of one location. What is sold is kept for an hour, live prices for a day."""

    def __init__(self, client: Client, clock: Clock, machine_types: tuple[str, ...] = (), prices: str | None = None) -> None:
        self._client = client
        self._wanted = machine_types
        self._listed = load_prices(client.region, None if prices == LIVE else prices)
        self._live = Kept(RetailPrices(client, clock).load, _DAY, clock) if prices == LIVE else None
        self._sold = Kept(self._load, _HOUR, clock)

    def sku(self, name: str, deadline: Deadline | None = None) -> Sku:
        """One size by its name, whether it is among the wanted ones or not; InvalidSpec if there is none of that name here."""
        found = self._sold.get(deadline).get(name.lower())
        if found is None:
            raise InvalidSpec(
                f'machine_type: Azure has no "{name}" in {self._client.region}; see '
                f"`az vm list-skus --location {self._client.region} --resource-type virtualMachines`"
            )
        return found

    def machine_type(self, name: str, deadline: Deadline | None = None) -> MachineType:
        """The form of a size, by its name; InvalidSpec if there is none of that name here."""
        return self.sku(name, deadline).kind

    def zones(self, deadline: Deadline | None = None) -> list[str]:
        """The zones of the location, as far as sizes are sold in them; none where it has no zones."""
        return sorted({zone for sku in self._sold.get(deadline).values() for zone in sku.zones})

    def check_zone(self, zone: str | None, deadline: Deadline | None = None) -> None:
        """Raise InvalidSpec for a zone that the location has not; the location as a whole, and none, are no fault."""
        if zone in (None, REGIONAL):
            return
        zones = self.zones(deadline)
        if zone not in zones:
            mend = f"use one of {', '.join(zones)}" if zones else "it has no zones: leave it out"
            raise InvalidSpec(f'zone: {self._client.region} has no zone "{zone}"; {mend}')

    def offers(self, deadline: Deadline | None = None) -> list[Offer]:
        """Everything on sale, by size and zone; `available` is 0 where this subscription may not have it."""
        sold, prices = self._sold.get(deadline), self._prices(deadline)
        return [offer for sku in sold.values() if self._is_wanted(sku.kind.name) for offer in self._sale(sku, prices)]

    def _is_wanted(self, name: str) -> bool:
        return not self._wanted or any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in self._wanted)

    def _prices(self, deadline: Deadline | None) -> Prices:
        """Azure's own prices where they are asked for, those of the list for the rest."""
        return self._listed if self._live is None else {**self._listed, **self._live.get(deadline)}

    def _sale(self, sku: Sku, prices: Prices) -> Iterator[Offer]:
        purchases: tuple[Purchase, ...] = ("on_demand", "spot") if sku.spot else ("on_demand",)
        for zone in sku.places:
            available = 0 if zone in sku.closed else None
            for purchase in purchases:
                price = prices.get((sku.kind.name.lower(), purchase))
                yield Offer("azure", self._client.region, zone, sku.kind, purchase, price, available)

    def _load(self, deadline: Deadline | None) -> dict[str, Sku]:
        """Sizes by name in small letters. No schema of this list is in our tests: it is read as its documentation has it."""
        region = self._client.region
        found = list(self._client.pages("skus", "resource_skus.list", filter=f"location eq '{region}'", deadline=deadline))
        if not found:
            raise InvalidSpec(f'location: Azure sells nothing in "{region}": {ASKED.format(region="it")}')
        skus = (read_sku(item, region) for item in found)
        return {sku.kind.name.lower(): sku for sku in skus if sku is not None}
