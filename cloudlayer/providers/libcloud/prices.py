"""Prices: those of the user's own list first, else what the driver tells, where its unit is known. 0 is not known either."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from libcloud import pricing

from cloudlayer.interfaces import Clock
from cloudlayer.providers.base.price_lists import PriceList, listed_price
from cloudlayer.providers.libcloud.adapters import Money
from cloudlayer.resources import Price

COLUMNS: Final = ("region", "size", "price_h", "currency", "source", "as_of")


class Prices:
    """Prices of one driver in one region."""

    def __init__(self, driver: str, region: str, money: Money | None, path: str | None, clock: Clock) -> None:
        self._driver = driver
        self._money = money
        self._clock = clock
        self._own = load_prices(driver, region, path)

    def of(self, size: Any, name: str) -> Price | None:
        """The price of a size for an hour; None where it is not known."""
        if name in self._own:
            return self._own[name]
        amount = _amount(size.price)
        if self._money is None or not amount:
            return None
        source, day = self._source()
        return Price(amount / self._money.hours, self._money.currency, source, day)

    def _source(self) -> tuple[str, date]:
        if self._money is not None and self._money.listed:
            return "libcloud pricing.json", _listed_on(pricing.get_pricing_file_path())
        return f"libcloud driver {self._driver}", datetime.fromtimestamp(self._clock.now(), UTC).date()


def load_prices(driver: str, region: str, path: str | None) -> dict[str, Price]:
    """Prices by size in one region, from a CSV file with COLUMNS: `price_h` is an amount an hour, `as_of` a date."""
    listed = PriceList(f"libcloud:{driver}: prices", COLUMNS)
    return listed.read(region, path, lambda row: [(row["size"], listed_price(row, row["price_h"], row["currency"]))])


def _amount(told: Any) -> float:
    try:
        return float(told)
    except (TypeError, ValueError):
        return 0.0


@cache
def _listed_on(path: str) -> date:
    """The day that Libcloud's price file says it is of. It is megabytes of JSON, with the day in one short line of its own."""
    tail = Path(path).read_text(encoding="utf-8")
    told = next((line for line in reversed(tail.splitlines()) if '"updated"' in line), '"updated": 0')
    return datetime.fromtimestamp(int(told.partition(":")[2].strip(" ,")), UTC).date()
