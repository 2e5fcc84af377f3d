"""Mending what was found amiss between store and clouds. Acts on its own owner's things alone.

Time passes between a look and its mends: each finding is looked at once more, under the lease of its fleet, and what is not
so any more is left alone. A fleet that is being served mends itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet import settle
from cloudlayer.fleet.ends import change, remove, undo
from cloudlayer.fleet.findings import INSTANCE, LEFTOVER, Finding, books
from cloudlayer.fleet.hands import acting
from cloudlayer.fleet.instances import finish_deleting
from cloudlayer.fleet.kinds import KINDS
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.store import Event, Lease, MachineRow, ThingRow, ThingState, writes
from cloudlayer.labels import OWNER, TOKEN


def sweep(fleets: Fleets, findings: Sequence[Finding]) -> list[tuple[Finding, CloudLayerError]]:
    """Delete what is unknown, close the books on what is lost, take away what is half done. One that cannot be mended hinders
    none of the others: it is among the answers, with its error."""
    failures: list[tuple[Finding, CloudLayerError]] = []
    for finding in findings:
        try:
            with acting(fleets, finding.fleet) as lease:
                _mend(fleets, lease, finding)
        except CloudLayerError as error:
            failures.append((finding, error))
    return failures


def _mend(fleets: Fleets, lease: Lease, finding: Finding) -> None:
    if finding.kind == "unknown":
        if not _has_become_known(fleets, finding):
            _tell(fleets, lease, finding)
            _delete_unknown(fleets, lease, finding)
        return
    row = _same(fleets, finding)
    if isinstance(row, ThingRow):
        _tell(fleets, lease, finding)
        if finding.kind == "lost":
            change(lease, row, fleets.clock.now(), finding.why, state=ThingState.GONE)
        else:
            undo(fleets, lease, KINDS[row.kind], row, finding.why)
    elif row is not None and finding.kind == "lost":
        with lease.write() as connection:
            for write in settle.close_machine(row, finding.why, fleets.clock.now()):
                write(connection)
    elif row is not None:
        finish_deleting(fleets, lease, row)


def _delete_unknown(fleets: Fleets, lease: Lease, finding: Finding) -> None:
    provider, owned = fleets.clouds.provider(finding.provider), {OWNER: fleets.store.owner}
    if finding.thing == INSTANCE:
        provider.compute.delete([finding.subject], deadline=fleets.clouds.deadline())
        return
    if finding.thing != LEFTOVER:
        remove(fleets, lease, KINDS[finding.thing].verbs(provider), finding.subject)
    for piece in provider.leftovers(owned, deadline=fleets.clouds.deadline()):
        its_own = finding.token and piece.labels.get(TOKEN) == finding.token and finding.thing != LEFTOVER
        if its_own or (finding.thing == LEFTOVER and piece.id == finding.subject):
            provider.delete_leftover(piece, deadline=fleets.clouds.deadline())


def _has_become_known(fleets: Fleets, finding: Finding) -> bool:
    rows, now = books(fleets), fleets.clock.now()
    bound = {row.instance for row in rows.machines} | {row.native for row in rows.things}
    return finding.subject in bound or finding.token in rows.open(now)


def _same(fleets: Fleets, finding: Finding) -> MachineRow | ThingRow | None:
    """The row that the finding is about, unless it was changed since."""
    rows = books(fleets)
    there: list[MachineRow | ThingRow] = [*rows.machines, *rows.things]
    for row in there:
        thing = row.kind if isinstance(row, ThingRow) else INSTANCE
        if (row.provider, row.fleet, thing, row.id) == (finding.provider, finding.fleet, finding.thing, finding.subject):
            return row if row.changed_at == finding.at else None
    return None


def _tell(fleets: Fleets, lease: Lease, finding: Finding) -> None:
    event = Event(0, finding.fleet, fleets.clock.now(), "swept", finding.subject, f"{finding.provider}: {finding.why}")
    with lease.write() as connection:
        writes.add_event(connection, event)
