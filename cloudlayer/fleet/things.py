"""Groups, balancers, volumes, snapshots and shares that a user makes by hand, under the intents and labels of instances.

The intent is in the store before the provider is called, and the token that goes with the call is made of it. Whoever repeats
a create that was broken off goes on with it; `sweep` takes away what nobody goes on with. No reconciler touches any of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cloudlayer.errors import (
    CloudError,
    CloudLayerError,
    Conflict,
    InvalidSpec,
    NotFound,
    RejectedSpec,
    Throttled,
    TransientError,
    Unsupported,
)
from cloudlayer.fleet.clouds import canonical
from cloudlayer.fleet.ends import change, undo
from cloudlayer.fleet.hands import acting, patiently
from cloudlayer.fleet.kinds import Kind, Verbs, is_gone
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.store import Event, Lease, ThingRow, ThingState, writes
from cloudlayer.interfaces import Deadline, Provider
from cloudlayer.labels import FLEET, OWNER
from cloudlayer.resources import ScalingGroup, ScalingGroupSpec
from cloudlayer.specs import Spec


@dataclass(frozen=True)
class Found:
    """A thing that was made here: where, and its provider's id for it."""

    row: ThingRow
    provider: Provider
    verbs: Verbs
    id: str


def create(fleets: Fleets, kind: Kind, provider: str, spec: Spec) -> Any:
    """Begin to make a thing, or go on with one of that name whose create was broken off. Waits for it in no state.

    Conflict if there is one of that name, or if what was broken off was for another spec.
    """
    connected = fleets.clouds.provider(provider)
    connected.capabilities.require(kind.capability)
    with acting(fleets) as lease:
        row = _intended(fleets, lease, kind, canonical(connected), spec)
        return _make(fleets, lease, kind, row, spec)


def listed(fleets: Fleets, kind: Kind, provider: str | None = None) -> list[Any]:
    """The things of a kind that were made by hand, as their providers report them; half-made ones are among them."""
    keys = {row.provider for row in fleets.store.things(BY_HAND, kind.name)}
    if provider is not None:
        keys &= {canonical(fleets.clouds.provider(provider))}
    labels = {OWNER: fleets.store.owner, FLEET: BY_HAND}
    found = (one for key in sorted(keys) for one in kind.verbs(fleets.clouds.provider(key)).list(labels))
    return [one for one in found if one.state.value != "deleted"]


def found(fleets: Fleets, kind: Kind, ref: str) -> Found:
    """One of them, by its provider's id or its name. NotFound or InvalidSpec, with the mend."""
    rows = [row for row in fleets.store.things(BY_HAND, kind.name) if ref in (row.id, row.native)]
    if not rows:
        raise NotFound(f"no {kind.noun} that was made here is called {ref}: cloudlayer {kind.lister} shows them")
    if len(rows) > 1:
        places = ", ".join(f"{row.native} of {row.provider}" for row in rows)
        raise InvalidSpec(f"{len(rows)} {kind.noun}s are called {ref}: give the id of one: {places}")
    row = rows[0]
    if row.native is None:
        raise NotFound(
            f"the create of {kind.noun} {ref} was broken off: repeat it, or let cloudlayer sweep remove what it left"
        )
    provider = fleets.clouds.provider(row.provider)
    return Found(row, provider, kind.verbs(provider), row.native)


def show(fleets: Fleets, kind: Kind, ref: str) -> Any:
    """One of them as its provider reports it."""
    one = found(fleets, kind, ref)
    return one.verbs.get(one.id)


def resolved(fleets: Fleets, kind: Kind, ref: str) -> str:
    """The provider's id of the thing that was made here by that name; a name that no such thing has is taken for an id."""
    rows = [row for row in fleets.store.things(BY_HAND, kind.name) if ref == row.id and row.native]
    return str(rows[0].native) if len(rows) == 1 else ref


def asked(row: ThingRow) -> tuple[dict[str, Any], list[str]]:
    """The spec that was last asked for, as plain data, and the places in it of which nothing is kept."""
    return dict(row.spec["asked"]), list(row.spec["withheld"])


def update(fleets: Fleets, kind: Kind, ref: str, spec: ScalingGroupSpec) -> ScalingGroup:
    """Begin to bring a scaling group to another spec, which is kept as what is asked for now."""
    one, wanted = found(fleets, kind, ref), _labelled(fleets, spec)

    def call(deadline: Deadline) -> ScalingGroup:
        return one.provider.autoscaling.update(one.id, wanted, deadline=deadline)

    with acting(fleets) as lease:
        answer = patiently(fleets, lease, call)
        with lease.write() as connection:
            writes.change_thing(connection, one.row, fleets.clock.now(), spec=_kept(kind, spec))
        return answer


def _intended(fleets: Fleets, lease: Lease, kind: Kind, provider: str, spec: Spec) -> ThingRow:
    """The row of this create: that of one that was broken off, or a new one."""
    rows = fleets.store.things(BY_HAND, kind.name, ended=True)
    name = getattr(spec, "name", None) or str(len(rows) + 1)
    earlier = [row for row in rows if (row.provider, row.id) == (provider, name)]
    kept, now = _kept(kind, spec), fleets.clock.now()
    if earlier and earlier[-1].state.live:
        last = earlier[-1]
        if last.state is ThingState.MAKING and last.spec == kept:
            return last
        if not _has_vanished(fleets, kind, last):
            raise _taken(kind, last)
        change(lease, last, now, "its provider does not have it", state=ThingState.GONE)
    generation = len(earlier) + 1
    row = ThingRow(
        fleet=BY_HAND,
        kind=kind.name,
        provider=provider,
        id=name,
        generation=generation,
        token=str(uuid.uuid5(uuid.UUID(fleets.store.owner), f"{BY_HAND}/{kind.name}/{provider}/{name}/{generation}")),
        spec=kept,
        state=ThingState.MAKING,
        created_at=now,
        changed_at=now,
    )
    with lease.write() as connection:
        writes.add_thing(connection, row)
        writes.add_event(connection, Event(0, BY_HAND, now, f"make {kind.name}", name, f"{provider}: asked for by hand"))
    return row


def _make(fleets: Fleets, lease: Lease, kind: Kind, row: ThingRow, spec: Spec) -> Any:
    verbs, wanted = kind.verbs(fleets.clouds.provider(row.provider)), _labelled(fleets, spec)
    try:
        thing = patiently(fleets, lease, lambda deadline: verbs.create(wanted, token=row.token, deadline=deadline))
    except (Throttled, TransientError):
        raise  # it may have taken effect: the same create, repeated, goes on with it
    except (CloudError, InvalidSpec) as error:
        _give_up(fleets, lease, kind, row, error)
        raise
    change(lease, row, fleets.clock.now(), f"{row.provider} {thing.id}", state=ThingState.MADE, native=thing.id)
    return thing


def _give_up(fleets: Fleets, lease: Lease, kind: Kind, row: ThingRow, error: CloudLayerError) -> None:
    """A refused create leaves nothing. What cannot be taken away now is left to be gone on with, or to `sweep`."""
    refused_before_any_call = isinstance(error, InvalidSpec | Unsupported) and not isinstance(error, RejectedSpec)
    if refused_before_any_call:
        change(lease, row, fleets.clock.now(), str(error), state=ThingState.GONE)
    elif not isinstance(error, Conflict):
        with suppress(CloudLayerError):
            undo(fleets, lease, kind, row, f"it could not be made: {error}")


def _has_vanished(fleets: Fleets, kind: Kind, row: ThingRow) -> bool:
    if row.state is not ThingState.MADE:
        return False
    try:
        return is_gone(kind.verbs(fleets.clouds.provider(row.provider)).get(str(row.native)))
    except NotFound:
        return True


def _taken(kind: Kind, row: ThingRow) -> Conflict:
    if row.state is ThingState.MADE:
        why = f"is there already ({row.native}): choose another name, or delete it first"
    elif row.state is ThingState.MAKING:
        why = "was begun to be made otherwise: repeat that create as it was, or let cloudlayer sweep remove what it left"
    else:
        why = "is being deleted: repeat the delete, or let cloudlayer sweep finish it"
    return Conflict(f"{kind.noun} {row.id} of {row.provider} {why}")


def _labelled(fleets: Fleets, spec: Spec) -> Any:
    labels = {**getattr(spec, "labels", {}), OWNER: fleets.store.owner, FLEET: BY_HAND}
    return spec.model_copy(update={"labels": labels})


def _kept(kind: Kind, spec: Spec) -> dict[str, Any]:
    """The spec as the store has it: without what may be secret, and with the places where that was."""
    document: dict[str, Any] = spec.model_dump(mode="json")
    withheld: Sequence[str] = ()
    if kind.secret:
        section, key = kind.secret
        withheld = [".".join(kind.secret)] if document[section].pop(key) is not None else []
    return {"asked": document, "withheld": list(withheld)}
