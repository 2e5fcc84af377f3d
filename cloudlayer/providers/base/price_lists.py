"""Lists of prices in CSV files: one that comes with a provider's package, or the user's own."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import Price

Key = TypeVar("Key")
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PriceList:
    """Where a list is and what is in it.

    `place` begins the messages, as in "aws.prices". `columns` has "region", "source" and "as_of", and what else the provider
    reads. `package` is where the provider's own list lies, as prices.csv; without one, there are no prices but the user's.
    """

    place: str
    columns: tuple[str, ...]
    package: str = ""

    def read(self, region: str, path: str | None, entries: Callable[[Row], Iterable[tuple[Key, Price]]]) -> dict[Key, Price]:
        """The prices of one region, by what `entries` makes of each row; InvalidSpec, with the line, for one that is amiss."""
        prices: dict[Key, Price] = {}
        for line, row in enumerate(csv.DictReader(self._lines(path)), start=2):
            try:
                if row["region"] == region:
                    prices.update(entries(row))
            except (KeyError, ValueError, TypeError):
                where, needs = f"{path or 'prices.csv'}, line {line}", ", ".join(self.columns)
                raise InvalidSpec(f"{self.place}: {where}: needs the columns {needs}") from None
        return prices

    def _lines(self, path: str | None) -> list[str]:
        if path is None and not self.package:
            return []
        try:
            source = Path(path) if path else files(self.package).joinpath("prices.csv")
            return source.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise InvalidSpec(f"{self.place}: {path}: cannot be read: {error.strerror}") from None


def listed_price(row: Row, amount: str, currency: str = "USD") -> Price:
    """An amount for one hour, with the row's source and date.

    `as_of` is a date, perhaps with words around it ("undated, 2025-06 or later"): the words then go with the source. ValueError
    if there is no date in it.
    """
    match = re.search(r"(\d{4})-(\d{2})(?:-(\d{2}))?", row["as_of"])
    if match is None:
        raise ValueError("no date")
    year, month, day = (int(part or 1) for part in match.groups())
    exact = match.group() == row["as_of"] and match.group(3)
    source = row["source"] if exact else f"{row['source']} ({row['as_of']})"
    return Price(float(amount), currency, source, date(year, month, day))
