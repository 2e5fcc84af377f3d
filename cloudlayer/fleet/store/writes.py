"""What a controller writes, each on a connection that `Lease.write` gave, so that all of it carries the lease's epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, and_, delete, insert, select, update

from cloudlayer.errors import Avoid
from cloudlayer.fleet.store import schema
from cloudlayer.fleet.store.rows import DesiredRow, Event, LedgerRow, MachineRow, ReplicaRow, ThingRow, offer_document

Row = TypeVar("Row", MachineRow, ReplicaRow)


def add_machines(connection: Connection, rows: Iterable[MachineRow]) -> None:
    """New machines."""
    values = [{**_values(row), "offer": offer_document(row.offer), "spec": dict(row.spec)} for row in rows]
    connection.execute(insert(schema.machines), values)


def change_machine(connection: Connection, row: MachineRow, now: float, **changes: Any) -> MachineRow:
    """Change some columns of a machine; returns the row as it is then."""
    values = {**changes, "changed_at": now}
    if "offer" not in values:
        return _change(connection, schema.machines, row, values)
    _change(connection, schema.machines, row, {**values, "offer": offer_document(values["offer"])})
    return replace(row, **values)


def add_replica(connection: Connection, row: ReplicaRow) -> None:
    """A new replica."""
    values = {**_values(row), "devices": list(row.devices), "slices": list(row.slices), "spec": dict(row.spec)}
    connection.execute(insert(schema.replicas).values(**values))


def change_replica(connection: Connection, row: ReplicaRow, now: float, **changes: Any) -> ReplicaRow:
    """Change some columns of a replica; returns the row as it is then."""
    return _change(connection, schema.replicas, row, {**changes, "changed_at": now})


def change_desired(connection: Connection, row: DesiredRow, document: Mapping[str, Any], now: float) -> bool:
    """What is wanted from now on; False, and nothing is changed, where a user has changed it meanwhile."""
    table = schema.fleets
    mine = (table.c.name == row.name) & (table.c.generation == row.generation)
    values = {"generation": row.generation + 1, "document": document, "updated_at": now}
    return connection.execute(update(table).where(mine).values(**values)).rowcount == 1


def replica_is(connection: Connection, row: ReplicaRow) -> bool:
    """Whether the replica is still in the state of `row`: what a thread found out meanwhile may be of no use any more."""
    table = schema.replicas
    query = select(table.c.state).where((table.c.fleet == row.fleet) & (table.c.id == row.id))
    return bool(connection.execute(query).scalar() == row.state)


def add_thing(connection: Connection, row: ThingRow) -> None:
    """A new group, balancer, volume or snapshot."""
    connection.execute(insert(schema.things).values(**{**_values(row), "spec": dict(row.spec)}))


def change_thing(connection: Connection, row: ThingRow, now: float, **changes: Any) -> ThingRow:
    """Change some columns of one; returns the row as it is then."""
    values = {**changes, "changed_at": now}
    connection.execute(update(schema.things).where(schema.things.c.token == row.token).values(**values))
    return replace(row, **values)


def open_account(connection: Connection, row: LedgerRow) -> None:
    """A machine begins to cost."""
    connection.execute(insert(schema.ledger).values(**asdict(row)))


def close_account(connection: Connection, fleet: str, machine: str, now: float) -> None:
    """A machine costs nothing any more."""
    table = schema.ledger
    mine = (table.c.fleet == fleet) & (table.c.machine == machine) & table.c.ended_at.is_(None)
    connection.execute(update(table).where(mine).values(ended_at=now))


def add_event(connection: Connection, event: Event) -> None:
    """What was done or seen, and why. The event's own number is not looked at: the log gives the next one."""
    values = {name: getattr(event, name) for name in event.__slots__ if name != "number"}
    connection.execute(insert(schema.events).values(**values))


def add_avoid(connection: Connection, fleet: str, now: float, avoid: Avoid, reason: str) -> None:
    """Leave some offers out for a while, the same ones for the longest of their whiles; what has run out is cleared away."""
    table, until = schema.avoids, now + avoid.seconds
    connection.execute(delete(table).where((table.c.fleet == fleet) & (table.c.until <= now)))
    where = {name: getattr(avoid, name) for name in ("provider", "region", "zone", "machine_type", "purchase")}
    same = and_(table.c.fleet == fleet, *(table.c[name].is_not_distinct_from(value) for name, value in where.items()))
    if connection.execute(select(table.c.number).where(same, table.c.until >= until)).first() is None:
        connection.execute(delete(table).where(same))
        connection.execute(insert(table).values(fleet=fleet, until=until, reason=reason, **where))


def _values(row: MachineRow | ReplicaRow | ThingRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


def _change(connection: Connection, table: Table, row: Row, changes: Mapping[str, Any]) -> Row:
    mine = (table.c.fleet == row.fleet) & (table.c.id == row.id)
    connection.execute(update(table).where(mine).values(**changes))
    return replace(row, **changes)
