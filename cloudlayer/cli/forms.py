"""How the things of a fleet look in a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cloudlayer.cli.output import UNKNOWN, counted
from cloudlayer.units import format_duration

if TYPE_CHECKING:
    from cloudlayer.fleet.store.rows import Event, LedgerRow, MachineRow, ReplicaRow
    from cloudlayer.resources import Instance, Price

Row = tuple[object, ...]

MACHINES = ("MACHINE", "STATE", "PROVIDER", "ZONE", "MACHINE TYPE", "BOUGHT", ">PRICE/H", ">AGE")
REPLICAS = ("FLEET", "ID", "FUNCTION", "VERSION", "STATE", "MACHINE", "ENGINE", "PID OR CONTAINER", ">AGE", "WHY")
EVENTS = (">NUMBER", "TIME", "FLEET", "WHAT", "OF", "WHY")
LEDGER = ("FLEET", "MACHINE", "PROVIDER", "MACHINE TYPE", "BOUGHT", ">PRICE/H", ">FOR", ">COST")
INSTANCES = ("ID", "NAME", "STATE", "PROVIDER", "ZONE", "MACHINE TYPE", "BOUGHT", "ADDRESS", "WHY")


def machine_row(machine: MachineRow, now: float) -> Row:
    """A line of MACHINES; `now` in seconds since 1970."""
    offer = machine.offer
    bought = (machine.provider, offer.zone, offer.machine_type.name, offer.purchase, price_text(offer.price))
    return (machine.id, machine_state(machine, now), *bought, _since(machine.created_at, now))


def machine_state(machine: MachineRow, now: float) -> str:
    """Its state, and what keeps replicas or calls from it."""
    told = [str(machine.state)]
    if machine.unreachable is not None:
        told.append(f"unreachable for {_since(machine.unreachable, now)}")
    if machine.emptying is not None:
        told.append("being drained" if machine.cordoned else "being emptied")
    elif machine.cordoned:
        told.append("cordoned")
    return ", ".join(told)


def machine_document(machine: MachineRow) -> dict[str, Any]:
    """A machine of a fleet as JSON has it; times in seconds since 1970."""
    return {
        "fleet": machine.fleet,
        "machine": machine.id,
        "instance": machine.instance,
        "provider": machine.provider,
        "zone": machine.offer.zone,
        "machine_type": machine.offer.machine_type.name,
        "purchase": machine.offer.purchase,
        "state": machine.state.value,
        "cordoned": machine.cordoned,
        "draining": machine.cordoned and machine.emptying is not None,
        "unreachable_since": machine.unreachable,
        "ends_at": machine.ends_at,
        "reason": machine.reason,
    }


def replica_row(replica: ReplicaRow, now: float) -> Row:
    """A line of REPLICAS; `now` in seconds since 1970."""
    what = (replica.fleet, short(replica.id), replica.function, replica.version, replica.state, replica.machine, replica.engine)
    return (*what, replica.handle, _since(replica.created_at, now), _line(replica.reason or replica.exit or ""))


def replica_document(replica: ReplicaRow, now: float) -> dict[str, Any]:
    """A replica as JSON has it: `pid` is a number and told by the process engine alone, `container` by docker alone."""
    handle = replica.handle
    return {
        "fleet": replica.fleet,
        "id": replica.id,
        "function": replica.function,
        "version": replica.version,
        "machine": replica.machine,
        "engine": replica.engine,
        "state": replica.state.value,
        "pid": int(handle) if handle and replica.engine == "process" else None,
        "container": handle if replica.engine == "docker" else None,
        "address": replica.address,
        "age_s": round(max(0.0, now - replica.created_at), 3),
        "exit": replica.exit,
        "reason": replica.reason,
    }


def short(id: str) -> str:
    """The beginning of a replica's id, by which it can be named."""
    return id[:8]


def event_row(event: Event) -> Row:
    """A line of EVENTS."""
    return (event.number, moment(event.at), event.fleet, event.kind, event.subject, _line(event.message))


def event_line(event: Event) -> str:
    """An event in one line by itself, for those who watch it happen."""
    return "  ".join(part for part in (moment(event.at), event.kind, event.subject, _line(event.message)) if part)


def ledger_row(entry: LedgerRow, now: float) -> Row:
    """A line of LEDGER; `now` in seconds since 1970."""
    until = now if entry.ended_at is None else entry.ended_at
    return (
        entry.fleet,
        entry.machine,
        entry.provider,
        entry.machine_type,
        entry.purchase,
        _amount(entry.price, entry.currency),
        _since(entry.started_at, until),
        _amount(entry.cost(now), entry.currency),
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
        parts.append(f"{counted(unknown, 'machine')} of unknown price")
    return " and ".join(parts) or "nothing"


def price_text(price: Price | None) -> str:
    """A price of one hour in a table."""
    return UNKNOWN if price is None else _amount(price.amount, price.currency)


def moment(at: float) -> str:
    """A moment in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _amount(amount: float | None, currency: str | None) -> str:
    return UNKNOWN if amount is None else f"{amount:.4f} {currency}"


def _since(start: float, end: float) -> str:
    return format_duration(max(0.0, end - start))


def _line(text: str) -> str:
    """A text of several lines in one."""
    return " / ".join(line.strip() for line in text.splitlines() if line.strip())
