"""Prices from Google's own price list, the Cloud Billing Catalog API, which prices processors, memory and devices apart.

Written after the public documentation of that API: which part a SKU prices is told by its description alone, such as "N2
Instance Core running in Americas". What no description is known for is looked up in the dated list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

import requests.exceptions

from cloudlayer.errors import CloudError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.errors import Where, translate
from cloudlayer.providers.base.pages import flatten
from cloudlayer.providers.gcp import errors
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.compute.accelerators import devices
from cloudlayer.providers.gcp.compute.prices import ListedPrices, Parts
from cloudlayer.resources import Price
from cloudlayer.resources.machines import Purchase

LIVE: Final = "live"
"""The value of the option `prices` that asks for these."""

_HOST: Final = "https://cloudbilling.googleapis.com"
_PATH: Final = "/v1/services/6F81-5844-456A/skus"
_PAGE: Final = 5000
_TIMEOUT: Final = 30.0
_PURCHASES: Final[Mapping[str, Purchase]] = {"OnDemand": "on_demand", "Preemptible": "spot"}
_SPOT_WORDS: Final = re.compile(r"^Spot Preemptible ")
_RUNNING: Final = re.compile(r"(?: attached to Spot Preemptible VMs)?(?:(?: running)? in .*)?$")
_SERIES: Final = re.compile(r"([A-Z]\d+[A-Z]?)(?: Predefined| AMD| Arm| Memory-optimized)? Instance (Core|Ram)")
_LOCAL_SSD: Final = ("ssd", "Local")
_OTHER_WORDS: Final = {
    "SSD backed Local Storage": _LOCAL_SSD,
    "Compute optimized Core": ("c2", "Core"),
    "Compute optimized Ram": ("c2", "Ram"),
    "Memory-optimized Instance Core": ("m1", "Core"),
    "Memory-optimized Instance Ram": ("m1", "Ram"),
}
_BILLED_CORES: Final = {"e2-micro": 0.25, "e2-small": 0.5, "e2-medium": 1.0}
"""Processors that a machine with a share of one pays for, where that is not what it has."""

_HOURS_A_MONTH: Final = 730

_PRICED_APART: Final = ("f1-micro", "g1-small")
"""Machine types that are priced as a whole."""


class LivePrices:
    """The price list in one region. `load` reads it; until then, and for what is not in it, `listed` answers."""

    def __init__(self, client: Client, listed: ListedPrices) -> None:
        self._client = client
        self._listed = listed
        self._parts: dict[tuple[str, str, str], Price] = {}

    def load(self, deadline: Deadline | None = None) -> None:
        """Read the whole list, a page for every five thousand SKUs that there are."""
        skus = flatten(lambda token: self._page(token, deadline), provider="gcp")
        self._parts = dict(_prices(skus, self._client.region))

    def of(self, parts: Parts, purchase: Purchase) -> Price | None:
        """The sum of what the processors, the memory and the devices cost; None where one of them is unknown."""
        return self._sum(parts, purchase) or self._listed.of(parts, purchase)

    def _sum(self, parts: Parts, purchase: Purchase) -> Price | None:
        base = parts.machine.base
        series = base.partition("-")[0]
        wanted = {
            (series, "Core"): _BILLED_CORES.get(base, parts.cores),
            (series, "Ram"): parts.memory,
            (parts.kind, "Device"): float(parts.count),
            _LOCAL_SSD: parts.ssd,
        }
        asked = {key: amount for key, amount in wanted.items() if amount}
        priced = [(self._parts.get((*key, purchase)), amount) for key, amount in asked.items()]
        found = [(price, amount) for price, amount in priced if price is not None]
        if len(found) < len(asked) or base in _PRICED_APART:
            return None
        total = sum(price.amount * amount for price, amount in found)
        return Price(total, "USD", "Cloud Billing Catalog", min(price.as_of for price, _ in found))

    def _page(self, token: str | None, deadline: Deadline | None) -> tuple[Iterable[Any], str | None]:
        query = {"pageSize": str(_PAGE), "currencyCode": "USD", **({"pageToken": token} if token else {})}
        page = self._client.retries.run(lambda: self._once(query), doing="reading Google's price list", deadline=deadline)
        return page.get("skus", ()), page.get("nextPageToken")

    def _once(self, query: Mapping[str, str]) -> dict[str, Any]:
        url = (self._client.options.billing_endpoint or _HOST) + _PATH
        where = Where("gcp", self._client.region)
        try:
            answer = self._client.access.session().get(url, params=dict(query), timeout=_TIMEOUT)
            if answer.status_code != requests.codes.ok:
                raise _refusal(answer, where)
            found: dict[str, Any] = answer.json()
        except errors.SDK_ERRORS as error:
            raise errors.from_sdk(error, where) from None
        return found


def _refusal(answer: Any, where: Where) -> CloudError:
    """The error for an answer of this API, which tells its codes by HTTP statuses alone."""
    after = answer.headers.get("Retry-After", "")
    return translate(
        errors.TABLE,
        str(answer.status_code),
        f"the price list is refused: {answer.reason}; enable the API with `gcloud services enable cloudbilling.googleapis.com`",
        where,
        retry_after=float(after) if after.isdigit() else None,
    )


def _prices(skus: Iterable[Mapping[str, Any]], region: str) -> Iterator[tuple[tuple[str, str, str], Price]]:
    """Prices an hour by series and part ("Core", "Ram", a GiB), or by kind of device, and purchase."""
    kinds = {device.sku: kind for kind, device in devices().items()}
    for sku in skus:
        purchase = _PURCHASES.get(sku["category"].get("usageType", ""))
        if purchase is None or region not in sku.get("serviceRegions", ()):
            continue
        words = _RUNNING.sub("", _SPOT_WORDS.sub("", sku["description"]), count=1)
        part = (kinds[words], "Device") if words in kinds else _part(words)
        price = _price(sku)
        if part and price:
            yield (*part, purchase), price


def _part(words: str) -> tuple[str, str] | None:
    """The series and the part that a description is of."""
    found = _SERIES.fullmatch(words)
    return (found[1].lower(), found[2]) if found else _OTHER_WORDS.get(words)


def _price(sku: Mapping[str, Any]) -> Price | None:
    """What a unit costs an hour: the rate of the last tier, since the first may be free."""
    for info in sku.get("pricingInfo", ()):
        for tier in reversed(info["pricingExpression"].get("tieredRates", ())):
            money = tier["unitPrice"]
            amount = int(money.get("units") or 0) + int(money.get("nanos") or 0) / 1e9
            if amount and money.get("currencyCode", "USD") == "USD":
                hours = _HOURS_A_MONTH if info["pricingExpression"].get("usageUnit", "").endswith(".mo") else 1
                return Price(amount / hours, "USD", "Cloud Billing Catalog", date.fromisoformat(info["effectiveTime"][:10]))
    return None
