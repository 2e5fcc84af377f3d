"""Machines that have to go though they run: their cloud takes them back, or they are not what they were.

Either is told by what the provider says of an instance; so is by the manifest that a machine was made of another image than is
wanted now. It is cordoned and emptied then, for good: others take its replicas over first, and it is deleted when it is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection

from cloudlayer.fleet import booting
from cloudlayer.fleet.store import Event, MachineRow, writes
from cloudlayer.functions.manifest import FleetSection
from cloudlayer.resources import Instance

TOLD = "told"
"""Where a row's spec keeps what the provider said of the instance when it was first seen to run."""

Write = Callable[[Connection], object]


def changes(
    running: Iterable[tuple[MachineRow, Instance]],
    machines: Iterable[MachineRow],
    fleet: FleetSection | None,
    now: float,
    takes_images: Callable[[str], bool],
) -> Iterator[Write]:
    """The writes for machines that run, each with its instance: an announced end is noted, what has drifted is emptied.

    `fleet` is what is wanted of the machines now, None where nothing is. Of those that have drifted one is emptied at a time,
    so that a fleet is never bought twice. `takes_images` is asked of a row's provider: where it does not, another image in the
    manifest changes nothing.
    """
    drifted: list[tuple[MachineRow, str]] = []
    for row, instance in running:
        yield from _noted(row, instance, now)
        why = drift(row, instance)
        if why is None and fleet is not None and takes_images(row.provider):
            why = outdated(row, fleet)
        if why is not None and not row.cordoned:
            drifted.append((row, why))
    if drifted and not any(row.goes for row in machines):
        yield from emptied(*drifted[0], "machine drifted", now)


def drift(row: MachineRow, instance: Instance) -> str | None:
    """What the provider says of the instance now that it did not say before, None if there is nothing.

    Only what it told both times counts: what a cloud leaves out of a list has not changed.
    """
    before, now = row.spec.get(TOLD, {}), _told(instance)
    for name, value in before.items():
        if value and now.get(name) and now[name] != value:
            return f"its {name.replace('_', ' ')} was {value} and is {now[name]}: somebody changed it"
    return None


def outdated(row: MachineRow, fleet: FleetSection) -> str | None:
    """Which image the manifest names now for a machine that was bought with another one; None if there is nothing."""
    had, wanted = booting.image_of(row), booting.image_for(fleet, row.offer)
    if had == wanted:
        return None
    return (
        f"the manifest names {wanted or 'no image, so its cloud chooses'}, and it was made of {had or 'what its cloud chose'}"
    )


def emptied(row: MachineRow, why: str, kind: str, now: float) -> Iterator[Write]:
    """Cordon a machine and empty it, for good."""
    since = now if row.emptying is None else row.emptying
    yield partial(writes.change_machine, row=row, now=now, cordoned=True, emptying=since, reason=why)
    yield partial(writes.add_event, event=Event(0, row.fleet, now, kind, row.id, why))


def _noted(row: MachineRow, instance: Instance, now: float) -> Iterator[Write]:
    if TOLD not in row.spec:
        yield partial(writes.change_machine, row=row, now=row.changed_at, spec={**row.spec, TOLD: _told(instance)})
    ends_at = None if instance.ends_at is None else instance.ends_at.timestamp()
    if ends_at == row.ends_at:
        return
    yield partial(writes.change_machine, row=row, now=row.changed_at, ends_at=ends_at)
    if ends_at is not None and not row.goes:
        when = datetime.fromtimestamp(ends_at, UTC).strftime("%H:%M:%S")
        why = f"its cloud takes it back at {when} UTC, in {max(0.0, ends_at - now):.0f} s"
        yield from emptied(row, why, "interruption announced", now)


def _told(instance: Instance) -> dict[str, str]:
    return {"machine_type": instance.machine_type, "image": instance.image or ""}
