"""What store and clouds do not agree on: things of our owner that no store knows, things that no cloud has, things half done.

Looks at its own owner's things alone, whatever fleet they are of, and changes nothing; see `sweep`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cloudlayer.errors import NotFound
from cloudlayer.fleet.clouds import canonical
from cloudlayer.fleet.holdings import Holdings, look
from cloudlayer.fleet.kinds import GROUP, KINDS, VOLUME, is_gone
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.store import MachineRow, MachineState, ThingRow, ThingState
from cloudlayer.labels import FLEET, TOKEN

GRACE: Final = 120.0
"""Seconds for which a thing counts as being made or deleted, or as not listed yet."""
INSTANCE: Final = "instance"
LEFTOVER: Final = "leftover"

_UNKNOWN: Final = "it carries our owner label and nothing of the store has it"


@dataclass(frozen=True, slots=True)
class Finding:
    """`unknown`: the cloud has `subject` and the store does not. `lost`: the store has `subject` and the cloud does not.
    `unfinished`: its create or delete was broken off.

    `thing` is "instance", the name of a kind, or "leftover". `token` and `at` are those of the moment of the look.
    """

    provider: str
    kind: Literal["unknown", "lost", "unfinished"]
    subject: str
    fleet: str
    why: str
    thing: str = INSTANCE
    token: str = field(default="", repr=False)
    at: float = field(default=0.0, repr=False)


@dataclass(frozen=True)
class Books:
    """What the store has of one provider, and which of it the cloud has lost."""

    machines: Sequence[MachineRow]
    things: Sequence[ThingRow]
    lost: frozenset[tuple[str, str, str]] = frozenset()

    def hosts(self) -> frozenset[str]:
        """The attempts of instances and groups, whose disks and members carry them too."""
        machines = {row.batch for row in self.machines if _key(row) not in self.lost}
        groups = {row.token for row in self.things if row.kind == GROUP.name and _key(row) not in self.lost}
        return frozenset(machines | groups)

    def tokens(self) -> frozenset[str]:
        """The attempts of everything that is there, or may come to be."""
        return self.hosts() | {row.token for row in self.things if _key(row) not in self.lost}

    def open(self, now: float) -> frozenset[str]:
        """The attempts whose things may not be bound to a row yet."""
        buying = {row.batch for row in self.machines if row.state is MachineState.BUYING and now - row.changed_at < GRACE}
        return frozenset(buying | {row.token for row in self.things if row.state is not ThingState.MADE})


def find(fleets: Fleets, providers: Sequence[str], *, others: bool = True) -> list[Finding]:
    """Everything that one of the providers has too much or too little; `others` are those that the store's things are of."""
    held = [look(fleets, name) for name in sorted(_names(fleets, providers, others=others))]
    # Read after the clouds: whatever they listed, its intent was in the store before it was made.
    rows = books(fleets)
    return [finding for one in held for finding in _compare(fleets, one, _of(rows, one.provider))]


def spared(fleets: Fleets, providers: Sequence[str], *, others: bool = True) -> int:
    """How many creates and deletes `find` does not judge yet, since they were begun less than GRACE ago."""
    now, names, rows = fleets.clock.now(), _names(fleets, providers, others=others), books(fleets)
    under_way: list[MachineRow | ThingRow] = [
        row
        for row in rows.machines
        if row.state is MachineState.BUYING or (row.state is MachineState.DELETING and row.fleet == BY_HAND)
    ]
    under_way += [row for row in rows.things if row.state is not ThingState.MADE]
    return sum(row.provider in names and now - row.changed_at < GRACE for row in under_way)


def books(fleets: Fleets) -> Books:
    """All that the store has, of every fleet and of what was made by hand."""
    named = [fleet.name for fleet in fleets.store.fleets() if fleet.name != BY_HAND]
    machines = [row for fleet in named for row in fleets.machines(fleet)]
    return Books([*machines, *fleets.machines(BY_HAND)], fleets.store.things(BY_HAND))


def _names(fleets: Fleets, providers: Sequence[str], *, others: bool) -> set[str]:
    """The providers that are looked at."""
    names = {canonical(fleets.clouds.provider(key)) for key in providers}
    if others:
        rows = books(fleets)
        names |= {row.provider for row in rows.machines} | {row.provider for row in rows.things}
    return names


def _of(rows: Books, provider: str) -> Books:
    machines = [row for row in rows.machines if row.provider == provider]
    return Books(machines, [row for row in rows.things if row.provider == provider])


def _compare(fleets: Fleets, held: Holdings, rows: Books) -> Iterator[Finding]:
    now = fleets.clock.now()
    amiss = [*_machines(fleets, held, rows.machines, now), *_things(fleets, held, rows.things, now)]
    lost = frozenset((one.fleet, one.thing, one.subject) for one in amiss if one.kind == "lost")
    rows = Books(rows.machines, rows.things, lost)
    yield from _unknown_things(held, rows, now)
    yield from _unknown_instances(held, rows, now)
    yield from amiss
    for piece in held.leftovers:
        token = piece.labels.get(TOKEN, "")
        if token not in rows.tokens():
            why = f"{piece.kind} of something that is not there"
            yield _unknown(held.provider, piece, LEFTOVER, why)


def _machines(fleets: Fleets, held: Holdings, rows: Iterable[MachineRow], now: float) -> Iterator[Finding]:
    listed = {one.id for one in held.instances if not one.state.gone}
    for row in rows:
        old = now - row.changed_at >= GRACE
        if row.instance is None:
            if row.state is MachineState.BUYING and old:
                yield _row(row, "lost", "it was begun to be bought, and never was")
        elif row.instance not in listed:
            if _is_missing(fleets, row, old):
                yield _row(row, "lost", "its provider does not have it")
        elif row.state is MachineState.DELETING and row.fleet == BY_HAND and old:
            yield _row(row, "unfinished", "its delete was broken off")


def _is_missing(fleets: Fleets, row: MachineRow, old: bool) -> bool:
    try:
        return fleets.clouds.provider(row.provider).compute.get(str(row.instance)).state.gone
    except NotFound:
        return old


def _things(fleets: Fleets, held: Holdings, rows: Iterable[ThingRow], now: float) -> Iterator[Finding]:
    for row in rows:
        old = now - row.changed_at >= GRACE
        listed = {one.id for one in held.things.get(row.kind, ())}
        if row.state is not ThingState.MADE:
            verb = "create" if row.state is ThingState.MAKING else "delete"
            if old:
                yield _row(row, "unfinished", f"its {verb} was broken off")
        elif row.native not in listed and _has_ended(fleets, row, old):
            yield _row(row, "lost", "its provider does not have it")


def _has_ended(fleets: Fleets, row: ThingRow, old: bool) -> bool:
    verbs = KINDS[row.kind].verbs(fleets.clouds.provider(row.provider))
    try:
        return str(verbs.get(str(row.native)).state) == "deleted"
    except NotFound:
        return old


def _unknown_things(held: Holdings, rows: Books, now: float) -> Iterator[Finding]:
    being_made = rows.open(now)
    pieces = {piece.id for piece in held.leftovers}  # such as a volume that was to be an instance's disk: told once
    for kind in KINDS:
        known = {row.native for row in rows.things if row.kind == kind}
        for one in held.things.get(kind, ()):
            if one.id in known | pieces or is_gone(one) or one.labels.get(TOKEN) in being_made:
                continue
            if kind == VOLUME.name and (held.is_disk(one) or one.labels.get(TOKEN) in rows.hosts()):
                continue
            yield _unknown(held.provider, one, kind)


def _unknown_instances(held: Holdings, rows: Books, now: float) -> Iterator[Finding]:
    """A group answers for its members, whatever the list of groups says of one that is new or on its way out."""
    known = {row.instance for row in rows.machines}
    groups = {row.token for row in rows.things if row.kind == GROUP.name and _key(row) not in rows.lost}
    spared = rows.open(now) | groups
    for one in held.instances:
        if one.id not in known and not one.state.gone and not held.is_member(one) and one.labels.get(TOKEN) not in spared:
            yield _unknown(held.provider, one, INSTANCE)


def _unknown(provider: str, one: Any, thing: str, why: str = _UNKNOWN) -> Finding:
    fleet, token = one.labels.get(FLEET, BY_HAND), one.labels.get(TOKEN, "")
    return Finding(provider, "unknown", one.id, fleet, why, thing, token)


def _row(row: MachineRow | ThingRow, kind: Literal["lost", "unfinished"], why: str) -> Finding:
    thing = row.kind if isinstance(row, ThingRow) else INSTANCE
    return Finding(row.provider, kind, row.id, row.fleet, why, thing, at=row.changed_at)


def _key(row: MachineRow | ThingRow) -> tuple[str, str, str]:
    return row.fleet, row.kind if isinstance(row, ThingRow) else INSTANCE, row.id
