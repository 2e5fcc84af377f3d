"""Prices: OpenStack has none, so they come from the operator's own list. What is not on it is unknown."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import Price

COLUMNS: Final = ("region", "flavor", "price_h", "currency", "source", "as_of")


def load_prices(region: str, path: str | None) -> dict[str, Price]:
    """Prices by flavor in one region, from a CSV file with COLUMNS: `price_h` is an amount an hour, `as_of` a date."""
    if path is None:
        return {}
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise InvalidSpec(f"openstack.prices: {path}: cannot be read: {error.strerror}") from None
    prices = {}
    for line, row in enumerate(rows, start=2):
        try:
            if row["region"] == region:
                prices[row["flavor"]] = _price(row)
        except (KeyError, ValueError, TypeError):
            raise InvalidSpec(f"openstack.prices: {path}, line {line}: needs the columns {', '.join(COLUMNS)}") from None
    return prices


def _price(row: Mapping[str, str]) -> Price:
    return Price(float(row["price_h"]), row["currency"], row["source"], date.fromisoformat(row["as_of"]))
