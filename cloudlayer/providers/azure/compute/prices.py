"""On-demand prices: a dated list. What is not on it is unknown; spot prices are told by Azure's own price list alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cloudlayer.providers.base.price_lists import PriceList, Row, listed_price
from cloudlayer.resources import Price
from cloudlayer.resources.machines import Purchase

_COLUMNS: Final = ("region", "instance_type", "price_usd_h", "source", "as_of")
LIST: Final = PriceList("azure.prices", _COLUMNS, "cloudlayer.providers.azure.compute")


def load_prices(region: str, path: str | None = None) -> dict[tuple[str, Purchase], Price]:
    """Prices by size (in small letters) and way of buying, in one location; from a file, or from the package's list."""
    return LIST.read(region, path, _entries)


def _entries(row: Row) -> Iterator[tuple[tuple[str, Purchase], Price]]:
    yield (row["instance_type"].lower(), "on_demand"), listed_price(row, row["price_usd_h"])
