"""Compute Engine's disks and snapshots, read as ours. A disk's id is "zone/name", a snapshot's its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from cloudlayer.providers.gcp.client import basename
from cloudlayer.providers.gcp.marks import NAME, read_labels
from cloudlayer.resources import Snapshot, SnapshotState, Volume, VolumeState
from cloudlayer.units import GIB

Device = Callable[[str, Any], str | None]
"""The device under which an instance has a disk: by the instance's id, and the disk."""

_STATES: Final[Mapping[str, VolumeState]] = {
    "CREATING": VolumeState.CREATING,
    "RESTORING": VolumeState.CREATING,
    "READY": VolumeState.AVAILABLE,
    "UNAVAILABLE": VolumeState.UPDATING,
    "DELETING": VolumeState.DELETING,
    "FAILED": VolumeState.FAILED,
}
_SNAPSHOTS: Final[Mapping[str, SnapshotState]] = {
    "CREATING": SnapshotState.CREATING,
    "UPLOADING": SnapshotState.CREATING,
    "READY": SnapshotState.READY,
    "DELETING": SnapshotState.DELETING,
    "FAILED": SnapshotState.FAILED,
}


def place_of(url: str) -> str:
    """The id "zone/name" of what is in a zone, by its URL."""
    zone, _, name = url.rpartition("/")
    return f"{basename(zone.rpartition('/')[0])}/{name}"


def token_of(name: str) -> str:
    """The end of a native name, which follows from its token alone."""
    return name.rpartition("-")[2]


def read_volume(found: Any, region: str, device: Device) -> Volume:
    """A volume from a disk."""
    users = sorted(place_of(url) for url in found.users)
    labels, state = dict(found.labels), _STATES.get(found.status, VolumeState.UPDATING)
    return Volume(
        place_of(found.self_link),
        "gcp",
        region,
        zone=basename(found.zone),
        state=VolumeState.ATTACHED if users and state is VolumeState.AVAILABLE else state,
        size=found.size_gb * GIB,
        name=labels.get(NAME),
        type=basename(found.type_) or None,
        attached_to=users[0] if users else None,
        device=device(users[0], found) if users else None,
        labels=read_labels(labels),
        created_at=_moment(found.creation_timestamp),
        reason=f"Compute Engine's status is {found.status}" if found.status in ("FAILED", "UNAVAILABLE") else None,
        native=found,
    )


def read_snapshot(found: Any, region: str) -> Snapshot:
    """A snapshot from Compute Engine's."""
    labels = dict(found.labels)
    return Snapshot(
        found.name,
        "gcp",
        region,
        state=_SNAPSHOTS.get(found.status, SnapshotState.CREATING),
        volume=place_of(found.source_disk),
        size=found.disk_size_gb * GIB,
        name=labels.get(NAME),
        labels=read_labels(labels),
        created_at=_moment(found.creation_timestamp),
        reason="Compute Engine's status is FAILED: make another one" if found.status == "FAILED" else None,
        native=found,
    )


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
