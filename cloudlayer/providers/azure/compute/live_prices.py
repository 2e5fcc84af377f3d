"""Prices from Azure's own price list, the Retail Prices API, which anybody may ask and which no schema of ours covers.

It is written after its documentation ("Azure Retail Prices overview"), and was never asked itself in our tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.base.pages import flatten
from cloudlayer.resources import Price
from cloudlayer.resources.machines import Purchase

LIVE: Final = "live"
"""The value of the option `prices` that asks for these."""

_PUBLIC_LIST: Final = "https://prices.azure.com"
_PATH: Final = "/api/retail/prices"


class RetailPrices:
    """Prices of virtual machines with Linux in one location, in USD. A page has a hundred: some dozens of calls."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._host = client.endpoint if client.endpoint.startswith("http://") else _PUBLIC_LIST  # a test's has its own

    def load(self, deadline: Deadline | None = None) -> dict[tuple[str, Purchase], Price]:
        """Prices by size (in small letters) and way of buying. Where one is listed twice, the dearer one counts."""
        prices: dict[tuple[str, Purchase], Price] = {}
        for item in flatten(lambda link: self._page(link, deadline), provider="azure"):
            for name, purchase in _bought(item):
                price = Price(float(item["retailPrice"]), item["currencyCode"], "Azure Retail Prices API", self._today())
                known = prices.get((name, purchase))
                if known is None or known.amount < price.amount:
                    prices[name, purchase] = price
        return prices

    def _page(self, link: str | None, deadline: Deadline | None) -> tuple[list[Mapping[str, Any]], str | None]:
        wanted = (
            f"serviceName eq 'Virtual Machines' and armRegionName eq '{self._client.region}' and priceType eq 'Consumption'"
        )
        address = link or f"{self._host}{_PATH}?$filter={quote(wanted)}"
        document = self._client.fetch(address, deadline=deadline).document or {}
        return document.get("Items") or [], document.get("NextPageLink")

    def _today(self) -> Any:
        return datetime.fromtimestamp(self._clock.now(), UTC).date()


def _bought(item: Mapping[str, Any]) -> Iterator[tuple[str, Purchase]]:
    """What an item is the price of: nothing for Windows, for the old low-priority machines, and for what is not by the hour."""
    name, sold_as = item.get("armSkuName") or "", item.get("skuName") or ""
    linux = "Windows" not in (item.get("productName") or "")
    hourly = item.get("unitOfMeasure") == "1 Hour" and item.get("type") == "Consumption"
    if name and linux and hourly and float(item.get("retailPrice") or 0) > 0 and "Low Priority" not in sold_as:
        yield name.lower(), "spot" if "Spot" in sold_as else "on_demand"
