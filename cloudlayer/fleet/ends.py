"""How things that were made by hand come to an end: on request, or because what was begun was broken off."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from cloudlayer.errors import CloudError, NotFound, Throttled, TransientError
from cloudlayer.fleet import settle
from cloudlayer.fleet.hands import PATIENCE, acting, patiently
from cloudlayer.fleet.kinds import Kind, Verbs, is_gone
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.store import Event, Lease, ThingRow, ThingState, writes
from cloudlayer.interfaces import Deadline
from cloudlayer.labels import OWNER, TOKEN

_FIRST_POLL: Final = 0.1
_LONGEST_POLL: Final = 5.0
_BY_HAND: Final = "asked for by hand"


def change(lease: Lease, row: ThingRow, now: float, why: str, *, state: ThingState, native: str | None = None) -> ThingRow:
    """Write down a thing's new state and tell it; returns the row as it is then."""
    told = {
        ThingState.MAKING: f"make {row.kind}",
        ThingState.MADE: f"{row.kind} made" if row.state is ThingState.MAKING else f"{row.kind} kept",
        ThingState.DELETING: f"delete {row.kind}",
        ThingState.GONE: f"{row.kind} gone",
    }
    with lease.write() as connection:
        writes.add_event(connection, Event(0, row.fleet, now, told[state], row.id, why))
        changes: dict[str, Any] = {"state": state, "reason": why}
        return writes.change_thing(connection, row, now, **changes, native=native or row.native)


def delete(fleets: Fleets, kind: Kind, rows: Iterable[ThingRow]) -> None:
    """Delete things with all that was made for them; returns when they are gone. Conflict where one may not be deleted now.

    The lease is not held while a cloud takes its time, so that other commands go on meanwhile.
    """
    for row in rows:
        verbs = kind.verbs(fleets.clouds.provider(row.provider))
        known = _state(verbs, str(row.native)) is not None
        with acting(fleets) as lease:
            going = _begin(fleets, lease, verbs, row)
        _await_end(fleets, verbs, going, known=known)
        with acting(fleets) as lease:
            change(lease, going, fleets.clock.now(), _BY_HAND, state=ThingState.GONE)


def undo(fleets: Fleets, lease: Lease, kind: Kind, row: ThingRow, why: str) -> None:
    """Take away what a create or a delete that was broken off left, pieces and all, and close its row.

    Where the provider refuses, the row is what it was, or MADE where the thing stays: a create or delete can be repeated.
    """
    provider = fleets.clouds.provider(row.provider)
    verbs, labels = kind.verbs(provider), {OWNER: fleets.store.owner, TOKEN: row.token}
    listed = verbs.list(labels, deadline=fleets.clouds.deadline())
    names = {one.id for one in listed if not is_gone(one)} | ({row.native} if row.native else set())
    going = change(lease, row, fleets.clock.now(), why, state=ThingState.DELETING)
    try:
        for name in sorted(names):
            remove(fleets, lease, verbs, name)
        for piece in provider.leftovers(labels, deadline=fleets.clouds.deadline()):
            provider.delete_leftover(piece, deadline=fleets.clouds.deadline())
    except (Throttled, TransientError):
        raise  # it may have taken effect
    except CloudError as error:
        change(lease, going, fleets.clock.now(), str(error), state=ThingState.MADE if row.native else ThingState.MAKING)
        raise
    change(lease, going, fleets.clock.now(), why, state=ThingState.GONE)


def remove(fleets: Fleets, lease: Lease, verbs: Verbs, id: str) -> None:
    """Delete one thing, and return when it is gone."""

    def call(deadline: Deadline) -> None:
        verbs.delete(id, deadline=deadline)

    patiently(fleets, lease, call)
    _poll(fleets, lambda: _state(verbs, id) not in (None, "deleted"), lease)


def _begin(fleets: Fleets, lease: Lease, verbs: Verbs, row: ThingRow) -> ThingRow:
    going = change(lease, row, fleets.clock.now(), _BY_HAND, state=ThingState.DELETING)

    def call(deadline: Deadline) -> None:
        verbs.delete(str(row.native), deadline=deadline)

    try:
        patiently(fleets, lease, call)
    except (Throttled, TransientError):
        raise  # it may have taken effect: the same delete, repeated, goes on with it
    except CloudError as error:
        change(lease, going, fleets.clock.now(), str(error), state=ThingState.MADE)
        raise
    return going


def _await_end(fleets: Fleets, verbs: Verbs, row: ThingRow, *, known: bool) -> None:
    """A cloud that did not know the thing yet has not deleted it either, until the time is over in which it may not know."""

    def there() -> bool:
        state = _state(verbs, str(row.native))
        settled = known or fleets.clock.now() - row.created_at >= settle.GRACE
        return not settled if state is None else state != "deleted"

    _poll(fleets, there)


def _state(verbs: Verbs, id: str) -> str | None:
    """The thing's state as its provider has it; None where that does not know the thing."""
    try:
        return str(verbs.get(id).state)
    except NotFound:
        return None


def _poll(fleets: Fleets, there: Callable[[], bool], lease: Lease | None = None) -> None:
    until, pause = fleets.clock.monotonic() + PATIENCE, _FIRST_POLL
    while there():
        if fleets.clock.monotonic() >= until:
            raise TransientError(f"it is not gone after {PATIENCE:.0f} s: repeat the delete", code="deadline")
        if lease is not None:
            lease.renew()
        fleets.clock.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_POLL)
