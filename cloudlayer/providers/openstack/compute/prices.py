"""Prices: OpenStack has none, so they come from the operator's own list. What is not on it is unknown."""

from __future__ import annotations

from typing import Final

from cloudlayer.providers.base.price_lists import PriceList, listed_price
from cloudlayer.resources import Price

LIST: Final = PriceList("openstack.prices", ("region", "flavor", "price_h", "currency", "source", "as_of"))


def load_prices(region: str, path: str | None) -> dict[str, Price]:
    """Prices by flavor in one region, from a CSV file: `price_h` is an amount an hour, `as_of` a date."""
    return LIST.read(region, path, lambda row: [(row["flavor"], listed_price(row, row["price_h"], row["currency"]))])
