"""Writing down what was seen: the store's rows follow the providers, never the other way round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from sqlalchemy import Connection

from cloudlayer.fleet import leaving, readiness
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.observe import Observation
from cloudlayer.fleet.readiness import Finding
from cloudlayer.fleet.store import LOST, Event, FleetRows, MachineRow, MachineState, ReplicaRow, ReplicaRowState, writes
from cloudlayer.interfaces import ReplicaExit, ReplicaState, ReplicaStatus
from cloudlayer.resources import Instance, InstanceState

GRACE: Final = 60.0
"""Seconds for which a cloud may not know yet of what it made: that it does not have it means nothing then."""

Write = Callable[[Connection], object]


def changes(
    rows: FleetRows, seen: Observation, busy: frozenset[str], now: float, takes_images: Callable[[str], bool]
) -> Iterator[Write]:
    """One write for each thing that the store has otherwise than it was seen. Busy things are their thread's business, and
    what changed since the look began is newer than the look. `takes_images` says of a provider whether its machines boot
    from an image that is named."""
    there = {machine.id for machine in rows.machines}
    running: list[tuple[MachineRow, Instance]] = []
    for machine in rows.machines:
        if machine.id in busy or machine.id not in seen.instances or machine.changed_at > seen.at:
            continue
        instance = seen.instances[machine.id]
        if instance is None and now - machine.created_at < GRACE:
            continue
        if _ended(instance) or (instance is not None and instance.state in _DEAD):
            there.discard(machine.id)
        yield from _machine(machine, instance, seen.findings.get(machine.id), now)
        if instance is not None and machine.state is MachineState.RUNNING and instance.state is InstanceState.RUNNING:
            running.append((machine, instance))
    desired = Desired.of_rows(rows) if running else None
    fleet = None if desired is None else desired.manifest.fleet
    yield from leaving.changes(running, rows.machines, fleet, now, takes_images)
    for replica in rows.replicas:
        if replica.id in busy:
            continue
        if replica.machine not in there:
            yield from _ends(replica, LOST, "its machine is gone", now, at_once=True)
        elif replica.changed_at <= seen.at and replica.machine in seen.replicas:
            yield from _replica(replica, seen.replicas[replica.machine].get(replica.id), now)


def ending(replica: ReplicaRow, status: ReplicaStatus | None, now: float) -> Iterator[Write]:
    """The writes for a replica that was seen to have ended; none if it runs."""
    yield from _replica(replica, status, now)


def _ended(instance: Instance | None) -> bool:
    return instance is None or instance.state is InstanceState.DELETED


def _machine(row: MachineRow, instance: Instance | None, finding: Finding | None, now: float) -> Iterator[Write]:
    if _ended(instance):
        why = row.reason if row.state is MachineState.DELETING else _loss(instance)
        yield from close_machine(row, why, now)
    elif instance is not None and row.state is MachineState.PENDING and instance.state is InstanceState.RUNNING:
        # One that is not reached by SSH is ready as soon as its instance runs.
        address = instance.private_address or instance.public_address
        yield from readiness.settled(row, finding or Finding(ready=True, address=address), now)
    elif instance is not None and instance.state in _DEAD and row.state is not MachineState.DELETING:
        why = instance.reason or f"its instance is {instance.state}"
        yield partial(writes.change_machine, row=row, now=now, state=MachineState.DELETING, reason=why)
        yield _event(row.fleet, now, "machine failed", row.id, why)


_DEAD: Final = (InstanceState.FAILED, InstanceState.STOPPED, InstanceState.STOPPING, InstanceState.DELETING)


def _loss(instance: Instance | None) -> str:
    reason = instance.reason if instance else None
    return reason or "its provider does not have it any more: interrupted, or deleted by somebody else"


def close_machine(row: MachineRow, why: str, now: float) -> Iterator[Write]:
    """A machine is no more, and costs no more."""
    yield partial(writes.change_machine, row=row, now=now, state=MachineState.DELETED, reason=why)
    yield lambda connection: writes.close_account(connection, row.fleet, row.id, now)
    yield _event(row.fleet, now, "machine gone", row.id, why)


def _replica(row: ReplicaRow, status: ReplicaStatus | None, now: float) -> Iterator[Write]:
    if row.state is ReplicaRowState.STARTING or row.state is ReplicaRowState.STOPPING:
        return
    if status is None:
        yield from _ends(row, LOST, "its engine does not know it any more", now)
    elif status.state is ReplicaState.EXITED:
        yield from _ends(row, status.exit or ReplicaExit.CRASHED, status.message, now)


def _ends(row: ReplicaRow, how: str, why: str, now: float, *, at_once: bool = False) -> Iterator[Write]:
    state = ReplicaRowState.ENDED if at_once else ReplicaRowState.STOPPING
    if row.state is ReplicaRowState.STOPPING and not at_once:
        return
    yield partial(writes.change_replica, row=row, now=now, state=state, exit=row.exit or str(how), reason=why)
    yield _event(row.fleet, now, "replica ended", row.id, f"{row.key}: {how}: {why}")


def _event(fleet: str, now: float, kind: str, subject: str, message: str) -> Write:
    return partial(writes.add_event, event=Event(0, fleet, now, kind, subject, message))
