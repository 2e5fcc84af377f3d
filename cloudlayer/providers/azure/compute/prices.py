"""On-demand prices: a dated list. What is not on it is unknown; spot prices are told by Azure's own price list alone."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import Price
from cloudlayer.resources.machines import Purchase

COLUMNS = ("region", "instance_type", "price_usd_h", "source", "as_of")


def load_prices(region: str, path: str | None = None) -> dict[tuple[str, Purchase], Price]:
    """Prices by size (in small letters) and way of buying, in one location.

    From a file with COLUMNS, or from the list that comes with the package. `as_of` is a date, as in 2026-06-18.
    """
    try:
        source = Path(path) if path else files("cloudlayer.providers.azure.compute").joinpath("prices.csv")
        lines = source.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InvalidSpec(f"azure.prices: {path}: cannot be read: {error.strerror}") from None
    return _prices(region, csv.DictReader(lines), path or "prices.csv")


def _prices(region: str, rows: Iterable[Mapping[str, str]], place: str) -> dict[tuple[str, Purchase], Price]:
    prices: dict[tuple[str, Purchase], Price] = {}
    for line, row in enumerate(rows, start=2):
        try:
            if row["region"] == region:
                as_of = date.fromisoformat(row["as_of"])
                price = Price(float(row["price_usd_h"]), "USD", row["source"], as_of)
                prices[row["instance_type"].lower(), "on_demand"] = price
        except (KeyError, ValueError, TypeError):
            raise InvalidSpec(f"azure.prices: {place}, line {line}: needs the columns {', '.join(COLUMNS)}") from None
    return prices
