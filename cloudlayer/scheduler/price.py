"""What a plan's purchases cost per hour, what is unknown kept apart from what is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloudlayer.scheduler.types import Purchased


@dataclass(frozen=True, slots=True)
class Total:
    """Amounts per hour by currency, in the order of the currencies' names, and the number of machines of unknown price."""

    amounts: Mapping[str, float]
    unknown: int

    @property
    def free(self) -> bool:
        """Whether it is known to cost nothing."""
        return not self.unknown and not any(self.amounts.values())

    def __str__(self) -> str:
        parts = [f"{amount:.4f} {currency}/h" for currency, amount in self.amounts.items() if amount]
        if self.unknown:
            parts.append(f"{self.unknown} machine{'s' * (self.unknown != 1)} of unknown price")
        return " + ".join(parts) or "free"


def total(purchases: Iterable[Purchased]) -> Total:
    """The sum of what is bought; a plan's own is `total(plan.purchases)`."""
    amounts: dict[str, float] = {}
    unknown = 0
    for purchase in purchases:
        price = purchase.offer.price
        if price is None:
            unknown += 1
        else:
            amounts[price.currency] = amounts.get(price.currency, 0.0) + price.amount
    return Total(dict(sorted(amounts.items())), unknown)
