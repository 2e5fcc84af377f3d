"""On-demand prices: a dated list, since AWS gives none through EC2. What is not on it is unknown."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import Price

COLUMNS = ("region", "instance_type", "price_usd_h", "source", "as_of")


def load_prices(region: str, path: str | None = None) -> dict[str, Price]:
    """Prices by machine type, in one region; from a file with COLUMNS, or from the list that comes with the package.

    `as_of` is a date, perhaps with words around it ("undated, 2025-06 or later"): the words then go with the source.
    """
    try:
        source = Path(path) if path else files("cloudlayer.providers.aws.compute").joinpath("prices.csv")
        lines = source.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InvalidSpec(f"aws.prices: {path}: cannot be read: {error.strerror}") from None
    return _prices(region, csv.DictReader(lines), path or "prices.csv")


def _prices(region: str, rows: Iterable[Mapping[str, str]], place: str) -> dict[str, Price]:
    prices = {}
    for line, row in enumerate(rows, start=2):
        try:
            if row["region"] == region:
                prices[row["instance_type"]] = _price(row)
        except (KeyError, ValueError, TypeError):
            raise InvalidSpec(f"aws.prices: {place}, line {line}: needs the columns {', '.join(COLUMNS)}") from None
    return prices


def _price(row: Mapping[str, str]) -> Price:
    match = re.search(r"(\d{4})-(\d{2})(?:-(\d{2}))?", row["as_of"])
    if match is None:
        raise ValueError("no date")
    year, month, day = (int(part or 1) for part in match.groups())
    exact = match.group() == row["as_of"] and match.group(3)
    source = row["source"] if exact else f"{row['source']} ({row['as_of']})"
    return Price(float(row["price_usd_h"]), "USD", source, date(year, month, day))
