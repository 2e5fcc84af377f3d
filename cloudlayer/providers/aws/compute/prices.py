"""On-demand prices: a dated list, since AWS gives none through EC2. What is not on it is unknown."""

from __future__ import annotations

from typing import Final

from cloudlayer.providers.base.price_lists import PriceList, listed_price
from cloudlayer.resources import Price

_COLUMNS: Final = ("region", "instance_type", "price_usd_h", "source", "as_of")
LIST: Final = PriceList("aws.prices", _COLUMNS, "cloudlayer.providers.aws.compute")


def load_prices(region: str, path: str | None = None) -> dict[str, Price]:
    """Prices by machine type, in one region; from a file, or from the list that comes with the package."""
    return LIST.read(region, path, lambda row: [(row["instance_type"], listed_price(row, row["price_usd_h"]))])
