"""Prices of a dated list. What is not on it is unknown; a machine with devices attached is the sum of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from cloudlayer.providers.base.price_lists import PriceList, Row, listed_price
from cloudlayer.providers.gcp.compute.accelerators import Machine
from cloudlayer.resources import Price
from cloudlayer.resources.machines import Purchase

_COLUMNS: Final = ("region", "instance_type", "price_usd_h", "spot_usd_h", "source", "as_of")
"""`instance_type` is a machine type, or a type of accelerator with the price of one device attached to N1."""
LIST: Final = PriceList("gcp.prices", _COLUMNS, "cloudlayer.providers.gcp.compute")


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
    """Prices from a file with these columns, or from the list that comes with the package."""

    def __init__(self, region: str, path: str | None = None) -> None:
        self._rows = LIST.read(region, path, _entries)

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


def _entries(row: Row) -> Iterator[tuple[tuple[str, str], Price]]:
    for purchase, column in (("on_demand", "price_usd_h"), ("spot", "spot_usd_h")):
        if row[column]:
            yield (row["instance_type"], purchase), listed_price(row, row[column])
