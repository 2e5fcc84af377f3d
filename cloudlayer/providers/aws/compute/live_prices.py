"""On-demand prices from AWS's own price list, whose service is not EC2's and answers a hundred products at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client
from cloudlayer.resources import Price

LIVE: Final = "live"
"""The value of the option `prices` that asks for these."""

_PAGE: Final = 100
_PLAIN: Final = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}
"""The attributes of an instance that is bought by the hour with nothing else."""


def live_prices(client: Client, deadline: Deadline | None = None) -> dict[str, Price]:
    """Prices by machine type in the client's region: one call for each hundred types that there are.

    Where a type is listed twice, the dearer one counts. What is priced in another currency than USD is left out.
    """
    wanted = [_filter("regionCode", client.region), *(_filter(name, value) for name, value in _PLAIN.items())]
    pages = client.pages(
        "get_products",
        "PriceList",
        service="pricing",
        page=_PAGE,
        ServiceCode="AmazonEC2",
        Filters=wanted,
        deadline=deadline,
    )
    prices: dict[str, Price] = {}
    for text in pages:
        for name, price in _read(json.loads(text)):
            if name not in prices or prices[name].amount < price.amount:
                prices[name] = price
    return prices


def _filter(name: str, value: str) -> dict[str, str]:
    return {"Type": "TERM_MATCH", "Field": name, "Value": value}


def _read(found: Mapping[str, Any]) -> Iterator[tuple[str, Price]]:
    name = found["product"]["attributes"].get("instanceType")
    published = date.fromisoformat(found["publicationDate"][:10])
    for term in found.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            amount = float(dimension["pricePerUnit"].get("USD", 0))
            if name and amount and dimension["unit"] == "Hrs":
                yield name, Price(amount, "USD", "AWS price list", published)
