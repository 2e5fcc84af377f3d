"""How the things of a fleet look in a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cloudlayer.cli.output import UNKNOWN
from cloudlayer.units import format_duration

if TYPE_CHECKING:
    from cloudlayer.fleet.store.rows import Event, LedgerRow, ReplicaRow
    from cloudlayer.resources import Instance, Price

Row = tuple[object, ...]

REPLICAS = ("FUNCTION", "VERSION", "STATE", "MACHINE", "ENGINE", "PID OR CONTAINER", ">AGE", "WHY")
EVENTS = ("TIME", "WHAT", "OF", "WHY")
LEDGER = ("MACHINE", "PROVIDER", "MACHINE TYPE", "BOUGHT", ">PRICE/H", ">FOR", ">COST")
INSTANCES = ("ID", "NAME", "STATE", "PROVIDER", "ZONE", "MACHINE TYPE", "BOUGHT", "ADDRESS", "WHY")


def replica_row(replica: ReplicaRow, now: float) -> Row:
    """A line of REPLICAS; `now` in seconds since 1970."""
    age = format_duration(max(0.0, now - replica.created_at))
    handle, why = replica.handle or "", replica.reason or replica.exit or ""
    return (replica.function, replica.version, replica.state, replica.machine, replica.engine, handle, age, why)


def event_row(event: Event) -> Row:
    """A line of EVENTS."""
    return (moment(event.at), event.kind, event.subject, event.message)


def ledger_row(entry: LedgerRow, now: float) -> Row:
    """A line of LEDGER; `now` in seconds since 1970."""
    lasted = (now if entry.ended_at is None else entry.ended_at) - entry.started_at
    cost = entry.cost(now)
    return (
        entry.machine,
        entry.provider,
        entry.machine_type,
        entry.purchase,
        UNKNOWN if entry.price is None else f"{entry.price:.4f} {entry.currency}",
        format_duration(max(0.0, lasted)),
        UNKNOWN if cost is None else f"{cost:.4f} {entry.currency}",
    )


def instance_row(instance: Instance) -> Row:
    """A line of INSTANCES."""
    return (
        instance.id,
        instance.name,
        instance.state,
        instance.provider,
        instance.zone,
        instance.machine_type,
        instance.purchase,
        instance.public_address or instance.private_address,
        instance.reason,
    )


def totals(entries: Iterable[LedgerRow], now: float) -> tuple[dict[str, float], int]:
    """What the machines cost so far by currency, and of how many the price is unknown."""
    sums: dict[str, float] = {}
    unknown = 0
    for entry in entries:
        cost = entry.cost(now)
        if cost is None or entry.currency is None:
            unknown += 1
        else:
            sums[entry.currency] = sums.get(entry.currency, 0.0) + cost
    return sums, unknown


def per_hour(prices: Sequence[Price | None]) -> str:
    """The sum of prices in words, those that are unknown counted and named as such."""
    sums: dict[str, float] = {}
    for price in prices:
        if price is not None:
            sums[price.currency] = sums.get(price.currency, 0.0) + price.amount
    return amounts(sums, sum(price is None for price in prices), "/h")


def amounts(sums: Mapping[str, float], unknown: int, unit: str = "") -> str:
    """Amounts by currency in words, as in "1.2000 USD/h and 2 machines of unknown price"."""
    parts = [f"{amount:.4f} {currency}{unit}" for currency, amount in sorted(sums.items())]
    if unknown:
        parts.append(f"{unknown} machine{'s' if unknown > 1 else ''} of unknown price")
    return " and ".join(parts) or "nothing"


def moment(at: float) -> str:
    """A moment in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
