"""The cloud's side of snapshots. They outlive their volumes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from cloudlayer.providers.simulated import limits, tokens, views
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.resources import Snapshot, SnapshotState
from cloudlayer.runtime.simulated.records import Document, course, settings_of
from cloudlayer.runtime.simulated.things import Change, SnapshotRecord
from cloudlayer.specs import Name, Spec

KIND: Final = "snapshot"


class SnapshotSpec(Spec):
    """What is asked for: a copy of this volume, so named and labelled."""

    volume: str
    name: Name | None = None
    labels: dict[str, str]


def create(
    document: Document, now: float, region: str, spec: SnapshotSpec, *, token: str, digest: str, labels: Mapping[str, str]
) -> Snapshot:
    """The snapshot of this token, made if it is not there; NotFound if its volume is not there."""
    known = tokens.bound(document, now, document["snapshots"], KIND, token=token, digest=digest)
    if known is not None:
        return snapshot(known, views.current(known, now))
    limits.check_count(document, now, "snapshots")
    source = views.there(document["volumes"], spec.volume, "volume", now, region)
    document["serial"] += 1
    key = f"snap-{document['serial']:08d}"
    record = SnapshotRecord(
        id=key,
        region=region,
        volume=spec.volume,
        name=spec.name,
        size=source["size"],
        labels=dict(labels),
        created_at=now,
        timeline=[],
    )
    seconds = settings_of(document).volume_seconds
    views.begin(record, document, now, "snapshot.create", seconds=seconds, ready=SnapshotState.READY)
    document["snapshots"][key] = record
    tokens.bind(document, KIND, token, digest, key)
    return snapshot(record, views.current(record, now))


def describe(document: Document, now: float, region: str, id: str) -> Snapshot:
    """The snapshot as a reader sees it."""
    return snapshot(*views.describe(document, now, document["snapshots"], id, KIND, region=region))


def page(
    document: Document, now: float, region: str, labels: Mapping[str, str], after: str | None
) -> tuple[list[Snapshot], str | None]:
    """One page of the region's snapshots."""
    found, more = views.page(document, now, document["snapshots"], region=region, labels=labels, after=after)
    return [snapshot(record, change) for record, change in found], more


def delete(document: Document, now: float, region: str, id: str) -> None:
    """Begin to delete the snapshot; one that is not there is no error."""
    record = document["snapshots"].get(id)
    if record is not None and record["region"] == region and not views.gone(record, now):
        seconds = settings_of(document).delete_seconds
        course(record, document, now, (0.0, SnapshotState.DELETING, None), (seconds, SnapshotState.DELETED, None))


def snapshot(record: SnapshotRecord, change: Change) -> Snapshot:
    """The snapshot in the state of `change`."""
    return Snapshot(
        id=record["id"],
        provider=PROVIDER,
        region=record["region"],
        state=SnapshotState(change["state"]),
        volume=record["volume"],
        size=record["size"],
        name=record["name"],
        labels=dict(record["labels"]),
        created_at=datetime.fromtimestamp(record["created_at"], UTC),
        reason=change["reason"],
    )
