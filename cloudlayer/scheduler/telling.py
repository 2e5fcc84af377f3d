"""Choices and explanations in words: whole sentences, each of them true of the plan as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cloudlayer.resources import Offer, Price
from cloudlayer.scheduler.bargains import Alternative, Bargain
from cloudlayer.scheduler.choices import Choice, Distance, Ground
from cloudlayer.scheduler.defragmentation import Move
from cloudlayer.scheduler.explain import Explanation

_PLACES: Final[dict[Distance | None, str]] = {
    Distance.MACHINE: "on this machine",
    Distance.ZONE: "in this zone",
    Distance.REGION: "in another zone",
    Distance.WORLD: "in another region",
    None: "without a replica",
}
_SHORT: Final = 8
"""So much of a replica's id tells it from others."""


def told(choice: Choice) -> Iterator[str]:
    """Why a replica is on its machine."""
    yield f"{ground(choice)}."
    if choice.bargain is not None and choice.offer is not None:
        yield from _bargain(choice.offer, choice.bargain)
    if choice.beside:
        yield f"It shares the machine with {crowd(choice.beside)}."
    yield from calls(choice)
    if choice.gang is not None and choice.ground is not Ground.GANG:
        yield f"It is one of gang {choice.gang}, which is placed all or none."


def calls(choice: Choice) -> Iterator[str]:
    """Whom it calls and who calls it, and where the nearest of them are."""
    for partner in choice.partners:
        verb = "It calls" if partner.calls else "It is called by"
        yield f"{verb} {partner.function}, {_PLACES[partner.distance]}."


def ground(choice: Choice) -> str:
    """How its machine compares with those that exist, without a full stop."""
    if choice.bought and not choice.others:
        return "No machine is there yet"
    if choice.bought and choice.fitting:
        have = "has" if choice.fitting == 1 else "have"
        return (
            f"{choice.fitting} of {_number(choice.others, 'machine')} there {have} room left for one like it{_reason(choice)}"
        )
    if not choice.others:
        return "It is the only machine there is"
    if not choice.fitting:
        there = f"{choice.others} {'' if choice.bought else 'other '}machine{'s' * (choice.others != 1)} there"
        return f"No room is left on the {there}: {', '.join(map(str, choice.excluded))}"
    rivals = "other machine has" if choice.fitting == 1 else "other machines have"
    return f"{choice.fitting} {rivals} room left for it too{_reason(choice)}"


def lacking(explanation: Explanation) -> Iterator[str]:
    """Why a replica has no place, and what would mend that."""
    yield f"It needs {explanation.needs}."
    if explanation.machines:
        excluded = ", ".join(map(str, explanation.by_machine)) or "none is too small for one alone"
        yield f"Of {_number(explanation.machines, 'machine')} there: {excluded}."
    if not explanation.offers:
        yield "The fleet's providers offer no machines."
        return
    excluded = ", ".join(map(str, explanation.by_offer)) or "none is too small for one alone"
    yield f"Of {_number(explanation.offers, 'offer')}: {excluded}."
    if explanation.nearest is not None:
        yield f"Nearest is {explanation.nearest}: {' and '.join(explanation.mends)}."


def moves(needed: Sequence[Move]) -> Iterator[str]:
    """Which moves of running replicas would make room; nothing where there are none."""
    if needed:
        told = ", then ".join(f"{each.group} {each.replica[:_SHORT]} from {each.source} to {_target(each)}" for each in needed)
        yield f"There is room for it in pieces, of which moving {told} would make one."


def _target(move: Move) -> str:
    return "other GPUs there" if move.source == move.target else move.target


def crowd(replicas: tuple[tuple[str, int], ...]) -> str:
    """How many of which function versions, as in "2 x nlp/Echo/1.0.0"."""
    return ", ".join(f"{number} x {group}" for group, number in replicas)


def alternative(other: Alternative) -> str:
    """An offer with its price."""
    sunk = ", paid for anyway" if other.purchase == "reserved" else ""
    return f"{other.machine_type} ({other.purchase.replace('_', '-')}, {other.zone}) for {price(other.price)}{sunk}"


def price(price: Price | None) -> str:
    """A price per hour, as in "0.5000 USD/h"."""
    if price is None:
        return "an unknown price"
    return str(price) if price.amount else "nothing"


def _reason(choice: Choice) -> str:
    reasons = {
        Ground.GANG: f"; gang {choice.gang} is together here",
        Ground.SPREAD: "; here its version has the fewest replicas",
        Ground.CALLS: "; here are functions that it calls or that call it",
        Ground.GPUS: "; here it leaves the least of GPUs idle",
        Ground.FULLEST: "; this one is the fullest",
    }
    return reasons.get(choice.ground, "")


def _bargain(offer: Offer, bargain: Bargain) -> Iterator[str]:
    if bargain.reserved:
        yield "The machine is reserved, and paid for whether it is used or not; so it is used first."
        if bargain.next_best is not None:
            yield f"Otherwise the cheapest that holds the same is {alternative(bargain.next_best)}."
        return
    if (saving := _percent(bargain.on_demand, offer.price)) is not None and bargain.on_demand is not None:
        yield f"It is a spot machine, {saving:.0f} % below its on-demand price of {price(bargain.on_demand)}."
    yield _next_best(offer, bargain.next_best)
    if bargain.alone is not None and bargain.alone.offer == offer.id:
        yield "One replica alone would need a machine like it too."
    elif bargain.alone is not None:
        yield f"The cheapest for one replica alone is {alternative(bargain.alone)}."


def _next_best(offer: Offer, other: Alternative | None) -> str:
    if other is None:
        return "No other machine on sale holds the same."
    change = _percent(offer.price, other.price)
    if change is None:
        return f"The next best that holds the same is {alternative(other)}."
    if change > 0:
        return f"{alternative(other)} would hold the same for {change:.0f} % less."
    more = f", {-change:.0f} % more" if change < 0 else ", which costs the same"
    return f"The next best that holds the same is {alternative(other)}{more}."


def _percent(before: Price | None, after: Price | None) -> float | None:
    """By how much the second is less, None where that cannot be said."""
    if before is None or after is None or before.currency != after.currency or not before.amount:
        return None
    return 100 * (1 - after.amount / before.amount)


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
