"""Which offers a fleet's rules let it buy, and why not the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from fnmatch import fnmatchcase
from typing import Final

from cloudlayer.errors import Avoid
from cloudlayer.resources import Offer
from cloudlayer.scheduler.fit import empty_machine, region_of
from cloudlayer.scheduler.types import Machine, Rules


class Refusal(StrEnum):
    """Why the rules refuse an offer."""

    MACHINE_TYPE_NOT_ALLOWED = "allow.machine_types"
    MACHINE_TYPE_DENIED = "deny.machine_types"
    REGION_NOT_ALLOWED = "allow.regions"
    REGION_DENIED = "deny.regions"
    SPOT = "allow.spot"
    AVOIDED = "avoided"
    SOLD_OUT = "sold out"
    PRICE_UNKNOWN = "price unknown"
    OTHER_CURRENCY = "other currency"
    MAX_PRICE = "max_price"


PRICE_TOLERANCE: Final = 1e-9
"""What a sum of prices may exceed a limit by: sums of fractions are not exact."""


class Tier(IntEnum):
    """Which costs come first, whatever the amounts: amounts of two currencies do not compare, and unknown ones not at all."""

    FREE = 0
    KNOWN = 1
    OTHER_CURRENCY = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True, order=True)
class Cost:
    """What an offer costs per hour, such that costs compare. `amount` is 0 where it is free, paid already, or unknown."""

    tier: Tier
    currency: str
    amount: float


def refusals(offer: Offer, rules: Rules) -> tuple[Refusal, ...]:
    """Every rule that refuses `offer`; empty if it may be bought."""
    kind, region, price = offer.machine_type.name, offer.region, cost(offer, rules)
    limited = rules.max_price is not None
    tests = (
        (Refusal.MACHINE_TYPE_NOT_ALLOWED, not _matches(kind, rules.machine_types)),
        (Refusal.MACHINE_TYPE_DENIED, _matches(kind, rules.denied_machine_types)),
        (Refusal.REGION_NOT_ALLOWED, not _matches(region, rules.regions)),
        (Refusal.REGION_DENIED, _matches(region, rules.denied_regions)),
        (Refusal.SPOT, offer.purchase == "spot" and not rules.spot),
        (Refusal.AVOIDED, any(avoided(offer, avoid) for avoid in rules.avoid)),
        (Refusal.SOLD_OUT, offer.available is not None and offer.available <= 0),
        (Refusal.PRICE_UNKNOWN, limited and price.tier == Tier.UNKNOWN),
        (Refusal.OTHER_CURRENCY, limited and price.tier == Tier.OTHER_CURRENCY),
        (Refusal.MAX_PRICE, price.tier == Tier.KNOWN and not within_limit(price, rules.spent, rules)),
    )
    return tuple(refusal for refusal, holds in tests if holds)


def avoided(offer: Offer, avoid: Avoid) -> bool:
    """Whether `avoid` covers `offer`; a field of it that is None covers everything."""
    wanted = (avoid.region, avoid.zone, avoid.machine_type, avoid.purchase)
    actual = (offer.region, offer.zone, offer.machine_type.name, offer.purchase)
    return avoid.provider == offer.provider and all(
        part is None or part == value for part, value in zip(wanted, actual, strict=True)
    )


def distinct(offers: Iterable[Offer]) -> list[Offer]:
    """The offers by id; of several with one id, the cheapest alone, whatever order they come in."""
    best: dict[str, Offer] = {}
    for offer in sorted(offers, key=_by_price):
        best.setdefault(offer.id, offer)
    return [offer for _, offer in sorted(best.items())]


def engines_of(offer: Offer, rules: Rules) -> tuple[str, ...]:
    """The engines that an instance bought by `offer` can run."""
    return rules.engines.get(region_of(offer), ())


def taints_of(offer: Offer, rules: Rules) -> frozenset[str]:
    """The taints that an instance bought by `offer` bears."""
    return frozenset(name for name, patterns in rules.taints.items() if _matches(offer.machine_type.name, patterns))


def new_machine(offer: Offer, rules: Rules) -> Machine:
    """The machine that `offer` gives in a fleet of these rules, before anything runs on it."""
    return empty_machine(offer, engines_of(offer, rules), taints_of(offer, rules))


def is_sunk(offer: Offer) -> bool:
    """Whether the price is paid whether the offer is used or not: a reservation's."""
    return offer.purchase == "reserved"


def cost(offer: Offer, rules: Rules) -> Cost:
    """What using the offer costs per hour, as it compares with others. What is reserved costs nothing more when it is used."""
    if is_sunk(offer):
        return Cost(Tier.FREE, "", 0.0)
    if offer.price is None:
        return Cost(Tier.UNKNOWN, "", 0.0)
    if offer.price.amount == 0:
        return Cost(Tier.FREE, "", 0.0)
    if offer.price.currency == rules.currency:
        return Cost(Tier.KNOWN, "", offer.price.amount)
    return Cost(Tier.OTHER_CURRENCY, offer.price.currency, offer.price.amount)


def within_limit(price: Cost, spent: float, rules: Rules) -> bool:
    """Whether the fleet's limit has room for `price` beside what is `spent` per hour; what is free always has room."""
    return rules.max_price is None or not price.amount or spent + price.amount <= rules.max_price + PRICE_TOLERANCE


def _by_price(offer: Offer) -> tuple[bool, float, str, int]:
    amount, currency = (offer.price.amount, offer.price.currency) if offer.price else (0.0, "")
    return (offer.price is None, amount, currency, -1 if offer.available is None else offer.available)


def _matches(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)
