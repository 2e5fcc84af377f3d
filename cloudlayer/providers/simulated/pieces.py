"""Pieces: what the simulated cloud wants made before an instance, group, balancer or share can be made with it.

A piece stays when its thing goes, until somebody deletes it. One that no thing was made with, or whose thing is gone, is a
leftover.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from cloudlayer.errors import Conflict, TransientError
from cloudlayer.labels import SPEC
from cloudlayer.providers.simulated import views
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.resources import Leftover
from cloudlayer.runtime.simulated.records import Document, settings_of
from cloudlayer.runtime.simulated.things import PieceRecord

Kind = Literal["firewall", "template", "listener_set", "share_account"]
KINDS: Final[tuple[Kind, ...]] = ("firewall", "template", "listener_set", "share_account")
UNDER_WAY_SECONDS: Final = 300.0
"""For so long after a piece was made, a create may still be on its way to use it."""


def make(document: Document, now: float, region: str, kind: Kind, *, name: str, labels: Mapping[str, str]) -> str:
    """The id of the region's piece of this name, made if it is not there; Conflict if it was made for another spec."""
    for record in document["pieces"].values():
        if (record["region"], record["kind"], record["name"]) == (region, kind, name):
            if record["labels"].get(SPEC) != labels.get(SPEC):
                message = f"this token was used for another spec, that of {record['id']}: a changed spec is a new attempt"
                raise Conflict(message, provider=PROVIDER, code="TokenReused")
            return record["id"]
    document["serial"] += 1
    key = f"{kind}-{document['serial']:08d}"
    document["pieces"][key] = PieceRecord(id=key, kind=kind, region=region, name=name, labels=dict(labels), created_at=now)
    return key


def kind_of(id: str) -> str:
    """The kind of the piece with this id."""
    return id.partition("-")[0]


def check(document: Document, ids: Iterable[str | None]) -> None:
    """Raise TransientError if one of the pieces has been deleted since it was made: made again, it will be there."""
    for piece in ids:
        if piece is not None and piece not in document["pieces"]:
            raise TransientError(f"{piece} was deleted before it was used", provider=PROVIDER, code="NoSuchPiece")


def remove(document: Document, now: float, id: str) -> None:
    """Delete a piece; one that is not there is no error, one that is in use is a Conflict."""
    if id in document["pieces"] and id in _used(document, now):
        raise Conflict(f"{id} is in use: delete what was made with it first", provider=PROVIDER, code="PieceInUse")
    document["pieces"].pop(id, None)


def left(
    document: Document, now: float, region: str, labels: Mapping[str, str], after: str | None
) -> tuple[list[Leftover], str | None]:
    """One page of the region's leftovers with these labels, and where the next one starts."""
    used, size = _used(document, now), settings_of(document).page_size
    found = [
        leftover(record)
        for key, record in sorted(document["pieces"].items())
        if key > (after or "")
        and record["region"] == region
        and labels.items() <= record["labels"].items()
        and key not in used
        and now >= record["created_at"] + UNDER_WAY_SECONDS
    ]
    return found[:size], found[size - 1].id if len(found) > size else None


def leftover(record: PieceRecord) -> Leftover:
    """The piece as one that was left."""
    return Leftover(
        id=record["id"],
        kind=record["kind"],
        provider=PROVIDER,
        region=record["region"],
        name=record["name"],
        labels=dict(record["labels"]),
        native=dict(record),
    )


def _used(document: Document, now: float) -> set[str]:
    used = {
        record["firewall"] for record in document["instances"].values() if "firewall" in record and not views.gone(record, now)
    }
    for group in document["groups"].values():
        used.update(group["pieces"] if not views.gone(group, now) else ())
    for balancer in document["balancers"].values():
        used.update(balancer["pieces"] if not views.gone(balancer, now) else ())
    for share in document["shares"].values():
        used.update(share["pieces"] if not views.gone(share, now) else ())
    return used
