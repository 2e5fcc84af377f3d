"""Reads of the store, and the few writes that need no lease: what users want, of a fleet and of a machine, and keys.

What a controller writes goes through `Lease.write` with the functions of `writes`.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet.store import schema, writes
from cloudlayer.fleet.store.database import Database
from cloudlayer.fleet.store.rows import (
    AvoidRow,
    DesiredRow,
    Event,
    LedgerRow,
    MachineRow,
    MachineState,
    ReplicaRow,
    ReplicaRowState,
    ThingRow,
    ThingState,
    offer_from,
)


@dataclass(frozen=True)
class FleetRows:
    """All that the store holds of one fleet and that decisions hang on, read in one transaction."""

    desired: DesiredRow
    machines: tuple[MachineRow, ...]
    replicas: tuple[ReplicaRow, ...]
    avoids: tuple[AvoidRow, ...]


class Store:
    """The store of one owner."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.owner = self._owner()

    def fleets(self) -> list[DesiredRow]:
        """Every fleet that this store knows."""
        with self.database.read() as connection:
            return [_desired(row) for row in connection.execute(select(schema.fleets).order_by("name"))]

    def desired(self, fleet: str) -> DesiredRow:
        """What is wanted of a fleet; generation 0 and no document if it is unknown."""
        with self.database.read() as connection:
            return _read_desired(connection, fleet)

    def want(self, fleet: str, document: Mapping[str, Any] | None, *, after: int, now: float) -> int:
        """Write down what is wanted, unless somebody else changed it since generation `after`. Returns its generation."""
        table = schema.fleets
        values = {"generation": after + 1, "document": document, "updated_at": now}
        with self.database.write() as connection:
            if _read_desired(connection, fleet).generation != after:
                raise CloudLayerError(f"fleet {fleet} was changed by somebody else meanwhile: look again, and repeat")
            if after == 0:
                connection.execute(insert(table).values(name=fleet, **values))
            else:
                connection.execute(update(table).where(table.c.name == fleet).values(**values))
        return after + 1

    def mark(self, row: MachineRow, *, cordoned: bool, emptying: float | None, event: Event) -> bool:
        """Write down whether a machine takes replicas, and since when it is emptied. False if it is on its way out already."""
        table = schema.machines
        there = table.c.state.in_([MachineState.BUYING, MachineState.PENDING, MachineState.RUNNING])
        mine = (table.c.fleet == row.fleet) & (table.c.id == row.id) & there
        values = {"cordoned": cordoned, "emptying": emptying, "reason": event.message if emptying is not None else ""}
        with self.database.write() as connection:
            if connection.execute(update(table).where(mine).values(**values)).rowcount == 0:
                return False
            writes.add_event(connection, event)
        return True

    def read(self, fleet: str, *, ended: bool = False) -> FleetRows:
        """The fleet's rows; those of machines and replicas that are no more only if `ended`."""
        with self.database.read() as connection:
            return FleetRows(
                _read_desired(connection, fleet),
                _machines(connection, fleet, ended=ended),
                _replicas(connection, fleet, ended=ended),
                _avoids(connection, fleet),
            )

    def numbered(self, fleet: str) -> tuple[int, int]:
        """How many machines and how many replicas the fleet ever had; the next ones are named by these."""
        with self.database.read() as connection:
            return _count(connection, schema.machines, fleet), _count(connection, schema.replicas, fleet)

    def latest(self, fleet: str, key: str, *, limit: int = 8) -> list[ReplicaRow]:
        """The newest replicas of a version, newest first, whatever became of them."""
        table, (function, _, version) = schema.replicas, key.rpartition("/")
        query = (
            select(table)
            .where(table.c.fleet == fleet, table.c.function == function, table.c.version == version)
            .order_by(table.c.created_at.desc(), table.c.id)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [_replica(row) for row in connection.execute(query)]

    def outcomes(self, fleet: str) -> dict[tuple[str, str], dict[str, int]]:
        """How many replicas of each (function, version) there ever were, by how they ended; "" for those that have not."""
        table = schema.replicas
        # In the order of an index that has all of this, so that a long history costs no look at its rows.
        columns = table.c.function, table.c.version, table.c.state, table.c.exit
        query = select(*columns, func.count()).where(table.c.fleet == fleet).group_by(*columns)
        found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        with self.database.read() as connection:
            for function, version, state, exit_, count in connection.execute(query):
                how = "" if state != ReplicaRowState.ENDED else "stopped" if exit_ is None else exit_
                found[function, version][how] += count
        return {key: dict(counts) for key, counts in found.items()}

    def things(self, fleet: str, kind: str | None = None, *, ended: bool = False) -> list[ThingRow]:
        """The fleet's groups, balancers, volumes and snapshots, or those of one kind, oldest first; with `ended`, all ever."""
        table = schema.things
        query = select(table).where(table.c.fleet == fleet).order_by(table.c.created_at, table.c.id, table.c.generation)
        query = query if kind is None else query.where(table.c.kind == kind)
        query = query if ended else query.where(table.c.state.not_in(_not_live(ThingState)))
        with self.database.read() as connection:
            return [_thing(row) for row in connection.execute(query)]

    def ledger(self, fleet: str | None = None) -> list[LedgerRow]:
        """What machines cost, oldest first."""
        table = schema.ledger
        query = select(table).order_by(table.c.started_at)
        query = query if fleet is None else query.where(table.c.fleet == fleet)
        with self.database.read() as connection:
            return [LedgerRow(**row._mapping) for row in connection.execute(query)]

    def events(self, fleet: str | None = None, *, after: int = 0, limit: int = 1000, subject: str | None = None) -> list[Event]:
        """Up to `limit` events with numbers above `after`, oldest first; only those of one machine or replica by `subject`."""
        table = schema.events
        query = select(table).where(table.c.number > after).order_by(table.c.number).limit(limit)
        query = query if fleet is None else query.where(table.c.fleet == fleet)
        query = query if subject is None else query.where(table.c.subject == subject)
        with self.database.read() as connection:
            return [Event(**row._mapping) for row in connection.execute(query)]

    def last_event(self) -> int:
        """The number of the newest event, 0 if there is none."""
        with self.database.read() as connection:
            query = select(schema.events.c.number).order_by(schema.events.c.number.desc()).limit(1)
            return connection.execute(query).scalar() or 0

    def keys(self) -> dict[str, str]:
        """Hashes of API keys by name."""
        with self.database.read() as connection:
            return {row.name: row.hash for row in connection.execute(select(schema.keys))}

    def put_key(self, name: str, digest: str, now: float) -> None:
        """Store a key's hash under a name, in place of what was there."""
        table = schema.keys
        with self.database.write() as connection:
            connection.execute(delete(table).where((table.c.name == name) | (table.c.hash == digest)))
            connection.execute(insert(table).values(name=name, hash=digest, created_at=now))

    def forget_key(self, name: str) -> None:
        """Let nobody in any more by the key of that name."""
        with self.database.write() as connection:
            connection.execute(delete(schema.keys).where(schema.keys.c.name == name))

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def _owner(self) -> str:
        table = schema.meta
        query = select(table.c.value).where(table.c.name == "owner")
        with self.database.read() as connection:
            known = connection.execute(query).scalar()
        if known is not None:
            return str(known)
        with self.database.write() as connection:
            known = connection.execute(query).scalar()
            if known is None:
                known = str(uuid.uuid4())
                connection.execute(insert(table).values(name="owner", value=known))
            return str(known)


def _count(connection: Connection, table: Table, fleet: str) -> int:
    query = select(func.count()).select_from(table).where(table.c.fleet == fleet)
    return connection.execute(query).scalar_one()


def _read_desired(connection: Connection, fleet: str) -> DesiredRow:
    row = connection.execute(select(schema.fleets).where(schema.fleets.c.name == fleet)).first()
    return DesiredRow(fleet, 0, None) if row is None else _desired(row)


def _desired(row: Row[Any]) -> DesiredRow:
    return DesiredRow(**row._mapping)


def _machines(connection: Connection, fleet: str, *, ended: bool) -> tuple[MachineRow, ...]:
    table = schema.machines
    query = select(table).where(table.c.fleet == fleet).order_by(table.c.created_at, table.c.id)
    if not ended:
        query = query.where(table.c.state.not_in(_not_live(MachineState)))
    return tuple(_machine(row) for row in connection.execute(query))


def _replicas(connection: Connection, fleet: str, *, ended: bool) -> tuple[ReplicaRow, ...]:
    table = schema.replicas
    query = select(table).where(table.c.fleet == fleet).order_by(table.c.created_at, table.c.id)
    if not ended:
        query = query.where(table.c.state.not_in(_not_live(ReplicaRowState)))
    return tuple(_replica(row) for row in connection.execute(query))


def _avoids(connection: Connection, fleet: str) -> tuple[AvoidRow, ...]:
    table = schema.avoids
    rows = connection.execute(select(table).where(table.c.fleet == fleet))
    return tuple(
        AvoidRow(row.provider, row.until, row.reason, row.region, row.zone, row.machine_type, row.purchase) for row in rows
    )


def _not_live(states: type[MachineState | ReplicaRowState | ThingState]) -> Sequence[str]:
    return [state.value for state in states if not state.live]


def _machine(row: Row[Any]) -> MachineRow:
    values = {**row._mapping, "offer": offer_from(row.offer), "state": MachineState(row.state)}
    return MachineRow(**values)


def _replica(row: Row[Any]) -> ReplicaRow:
    places = {"devices": tuple(row.devices), "slices": tuple(row.slices)}
    return ReplicaRow(**{**row._mapping, **places, "state": ReplicaRowState(row.state)})


def _thing(row: Row[Any]) -> ThingRow:
    return ThingRow(**{**row._mapping, "state": ThingState(row.state)})
