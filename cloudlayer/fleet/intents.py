"""Writing intents down: what a decision begins is in the store before any call is made for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from cloudlayer.fleet.store import LOST, Event, Lease, MachineState, ReplicaRowState, writes
from cloudlayer.fleet.view import Action, Buy, Delete, Drain, Empty, Keep, Lose, Park, Rest, Return, Start, Stop

Tell = Callable[[str, str, str], None]


def intend(lease: Lease, actions: Iterable[Action], now: float) -> None:
    """Write down the intents of all that is new, in one transaction. What is resumed has its intent in the store already."""
    due = [action for action in actions if _is_new(action)]
    if due:
        with lease.write() as connection:
            for action in due:
                _write(connection, action, lease.fleet, now)


def _is_new(action: Action) -> bool:
    match action:
        case Buy(_, fresh, _) | Start(_, fresh, _) | Park(_, fresh, _) | Return(_, fresh, _):
            return fresh
        case Delete(row, _):
            return row.state is not MachineState.DELETING
        case Stop(row, _):
            return row.state is not ReplicaRowState.STOPPING
        case _:
            return True


def _write(connection: Connection, action: Action, fleet: str, now: float) -> None:
    def tell(kind: str, subject: str, message: str) -> None:
        writes.add_event(connection, Event(0, fleet, now, kind, subject, message))

    match action:
        case Start() | Drain() | Stop() | Park() | Return():
            _write_replica(connection, action, now, tell)
        case Lose():
            _write_loss(connection, action, now, tell)
        case _:
            _write_machines(connection, action, now, tell)


def _write_machines(connection: Connection, action: Buy | Delete | Rest | Empty | Keep, now: float, tell: Tell) -> None:
    match action:
        case Buy(rows, _, why):
            writes.add_machines(connection, rows)
            for machine in rows:
                offer = machine.offer
                price = offer.price or "an unknown price"
                tell("buy machine", machine.id, f"{offer.machine_type.name} in {offer.zone} at {price}: {why}")
        case Delete(machine, why):
            writes.change_machine(connection, machine, now, state=MachineState.DELETING, reason=why)
            tell("delete machine", machine.id, why)
        case Rest(machine, since):
            writes.change_machine(connection, machine, machine.changed_at, idle_since=since)
        case Empty(rows, why):
            for machine in rows:
                writes.change_machine(connection, machine, now, emptying=now, reason=why)
                tell("empty machine", machine.id, why)
        case Keep(machine, why):
            writes.change_machine(connection, machine, now, emptying=None, reason="")
            tell("keep machine", machine.id, why)


def _write_replica(connection: Connection, action: Start | Drain | Stop | Park | Return, now: float, tell: Tell) -> None:
    match action:
        case Start(replica, _, why):
            writes.add_replica(connection, replica)
            tell("start replica", replica.id, f"{replica.key} on {replica.machine}: {why}")
        case Drain(replica, why):
            writes.change_replica(connection, replica, now, state=ReplicaRowState.DRAINING, reason=why)
            tell("drain replica", replica.id, f"{replica.key}: {why}")
        case Stop(replica, why):
            writes.change_replica(connection, replica, now, state=ReplicaRowState.STOPPING, reason=why)
        case Park(replica, _, why):
            writes.change_replica(connection, replica, now, state=ReplicaRowState.PARKING, reason=why)
            tell("park replica", replica.id, f"{replica.key}: {why}")
        case Return(replica, _, why):
            writes.change_replica(connection, replica, now, state=ReplicaRowState.RETURNING, reason="")
            tell("bring replica back", replica.id, f"{replica.key}: {why}")


def _write_loss(connection: Connection, action: Lose, now: float, tell: Tell) -> None:
    """In one transaction with each other: nobody ever sees the machine given up and its replicas not."""
    machine, why = action.row, action.why
    if machine.state is not MachineState.DELETING:
        writes.change_machine(connection, machine, now, state=MachineState.DELETING, reason=why)
        tell("machine lost", machine.id, why)
    for replica in action.replicas:
        changes = {"exit": LOST, "reason": f"its machine was lost: {why}"}
        writes.change_replica(connection, replica, now, state=ReplicaRowState.ENDED, **changes)
        tell("replica ended", replica.id, f"{replica.key}: {LOST}: its machine was lost: {why}")
