"""Finding what store and clouds do not agree on: things of our owner that no store knows, and things that no cloud has.

Acts on its own owner's things alone, whatever fleet they are of. A fleet that is being served mends itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cloudlayer.errors import LeaseLost, NotFound
from cloudlayer.fleet import settle
from cloudlayer.fleet.clouds import canonical
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.store import Event, Lease, MachineRow, MachineState, writes
from cloudlayer.labels import FLEET, OWNER, TOKEN
from cloudlayer.resources import Instance

GRACE: Final = 120.0
"""Seconds for which a thing counts as being made, or as not listed yet."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`unknown`: the cloud has the instance `subject` and the store does not. `lost`: the store has the machine `subject` and
    the cloud has not."""

    provider: str
    kind: Literal["unknown", "lost"]
    subject: str
    fleet: str
    why: str


def find(fleets: Fleets, providers: Sequence[str]) -> list[Finding]:
    """Everything that one of the providers, or of those that the store's machines are from, has too much or too little."""
    rows = [row for fleet in fleets.store.fleets() for row in fleets.machines(fleet.name)]
    rows += fleets.machines(BY_HAND)
    names = {canonical(fleets.clouds.provider(key)) for key in providers} | {row.provider for row in rows}
    found: list[Finding] = []
    for name in sorted(names):
        mine = [row for row in rows if row.provider == name]
        listed = fleets.clouds.provider(name).compute.list({OWNER: fleets.store.owner})
        found += [_unknown(name, one) for one in listed if _is_unknown(one, mine, fleets.clock.now())]
        found += [_lost(row) for row in mine if _is_lost(fleets, row, {one.id for one in listed if not one.state.gone})]
    return found


def sweep(fleets: Fleets, findings: Sequence[Finding]) -> None:
    """Delete what is unknown, and close the books on what is lost. Raises LeaseLost for a fleet that is being served."""
    for finding in findings:
        lease = Lease(fleets.store.database, finding.fleet, fleets.home.locks, fleets.clock)
        try:
            lease.acquire(f"process {os.getpid()}")
        except LeaseLost as error:
            raise LeaseLost(f"fleet {finding.fleet} is being served, and mends itself: {error}") from None
        try:
            _mend(fleets, lease, finding)
        finally:
            lease.release()


def _mend(fleets: Fleets, lease: Lease, finding: Finding) -> None:
    now = fleets.clock.now()
    if finding.kind == "unknown":
        with lease.write() as connection:
            event = Event(0, finding.fleet, now, "swept", finding.subject, f"{finding.provider}: {finding.why}")
            writes.add_event(connection, event)
        fleets.clouds.provider(finding.provider).compute.delete([finding.subject])
        return
    row = next((row for row in fleets.machines(finding.fleet) if row.id == finding.subject), None)
    if row is not None:
        with lease.write() as connection:
            for write in settle.close_machine(row, finding.why, now):
                write(connection)


def _is_unknown(instance: Instance, rows: Sequence[MachineRow], now: float) -> bool:
    if instance.state.gone or any(row.instance == instance.id for row in rows):
        return False
    buying = {row.batch for row in rows if row.state is MachineState.BUYING and now - row.changed_at < GRACE}
    return instance.labels.get(TOKEN) not in buying


def _is_lost(fleets: Fleets, row: MachineRow, listed: set[str]) -> bool:
    if row.instance is None:
        return row.state is MachineState.BUYING and fleets.clock.now() - row.changed_at >= GRACE
    if row.instance in listed:
        return False
    try:
        return fleets.clouds.provider(row.provider).compute.get(row.instance).state.gone
    except NotFound:
        return fleets.clock.now() - row.changed_at >= GRACE


def _unknown(provider: str, instance: Instance) -> Finding:
    fleet = instance.labels.get(FLEET, BY_HAND)
    return Finding(provider, "unknown", instance.id, fleet, "it carries our owner label and no machine of the store has it")


def _lost(row: MachineRow) -> Finding:
    why = "its provider does not have it" if row.instance else "it was begun to be bought, and never was"
    return Finding(row.provider, "lost", row.id, row.fleet, why)
