"""Prices of a dated list. What is not on it is unknown; a machine with devices attached is the sum of its parts."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Final, Protocol

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.gcp.compute.accelerators import Machine
from cloudlayer.resources import Price
from cloudlayer.resources.machines import Purchase

COLUMNS: Final = ("region", "instance_type", "price_usd_h", "spot_usd_h", "source", "as_of")
"""`instance_type` is a machine type, or a type of accelerator with the price of one device attached to N1."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a machine's price may be summed from: processors, GiB, devices, attached or not, and GiB of local SSDs."""

    machine: Machine
    cores: float
    memory: float
    kind: str = ""
    count: int = 0
    ssd: float = 0.0


class Prices(Protocol):
    """Prices in one region."""

    def of(self, parts: Parts, purchase: Purchase) -> Price | None:
        """The price of an hour of a machine that is bought on demand or spot; None where it is unknown."""
        ...


class ListedPrices:
    """Prices from a file with COLUMNS, or from the list that comes with the package."""

    def __init__(self, region: str, path: str | None = None) -> None:
        self._rows = _load(region, path)

    def of(self, parts: Parts, purchase: Purchase) -> Price | None:
        """The listed price, with that of the attached devices."""
        price = self._rows.get((parts.machine.base, purchase))
        if price is None or not parts.machine.count:
            return price
        device = self._rows.get((parts.machine.kind, purchase))
        if device is None:
            return None
        amount = price.amount + parts.machine.count * device.amount
        return Price(amount, price.currency, price.source, min(price.as_of, device.as_of))


def _load(region: str, path: str | None) -> dict[tuple[str, str], Price]:
    try:
        source = Path(path) if path else files("cloudlayer.providers.gcp.compute").joinpath("prices.csv")
        lines = source.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InvalidSpec(f"gcp.prices: {path}: cannot be read: {error.strerror}") from None
    return _prices(region, csv.DictReader(lines), path or "prices.csv")


def _prices(region: str, rows: Iterable[Mapping[str, str]], place: str) -> dict[tuple[str, str], Price]:
    prices = {}
    for line, row in enumerate(rows, start=2):
        try:
            for purchase, column in (("on_demand", "price_usd_h"), ("spot", "spot_usd_h")):
                if row["region"] == region and row[column]:
                    prices[row["instance_type"], purchase] = _price(row, row[column])
        except (KeyError, ValueError, TypeError):
            raise InvalidSpec(f"gcp.prices: {place}, line {line}: needs the columns {', '.join(COLUMNS)}") from None
    return prices


def _price(row: Mapping[str, str], amount: str) -> Price:
    match = re.search(r"(\d{4})-(\d{2})(?:-(\d{2}))?", row["as_of"])
    if match is None:
        raise ValueError("no date")
    year, month, day = (int(part or 1) for part in match.groups())
    exact = match.group() == row["as_of"] and match.group(3)
    source = row["source"] if exact else f"{row['source']} ({row['as_of']})"
    return Price(float(amount), "USD", source, date(year, month, day))
