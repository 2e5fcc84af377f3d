"""Cinder's descriptions of volumes, snapshots and volume types, read as ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cloudlayer.resources import Snapshot, SnapshotState, Volume, VolumeState, VolumeType
from cloudlayer.units import GIB

_STATES: Final[Mapping[str, VolumeState]] = {
    **dict.fromkeys(("creating", "downloading"), VolumeState.CREATING),
    "available": VolumeState.AVAILABLE,
    "in-use": VolumeState.ATTACHED,
    "deleting": VolumeState.DELETING,
    "deleted": VolumeState.DELETED,
}
"""Cinder's other words are of changes under way ("attaching", "extending", "retyping"), but for those with "error"."""

_COPY_STATES: Final[Mapping[str, SnapshotState]] = {
    "available": SnapshotState.READY,
    "deleting": SnapshotState.DELETING,
    "deleted": SnapshotState.DELETED,
}


def read_volume(found: Mapping[str, Any], region: str) -> Volume:
    """A volume from its description."""
    status = found["status"]
    attachment: Mapping[str, Any] = next(iter(found["attachments"]), {})
    return Volume(
        found["id"],
        "openstack",
        region,
        zone=found["availability_zone"] or "",
        state=VolumeState.FAILED if "error" in status else _STATES.get(status, VolumeState.UPDATING),
        size=found["size"] * GIB,
        name=found["name"] or None,
        type=found["volume_type"],
        attached_to=attachment.get("server_id"),
        device=attachment.get("device"),
        labels=found["metadata"],
        created_at=_moment(found["created_at"]),
        reason=_reason(status),
        native=found,
    )


def read_snapshot(found: Mapping[str, Any], region: str) -> Snapshot:
    """A snapshot from its description."""
    status = found["status"]
    return Snapshot(
        found["id"],
        "openstack",
        region,
        state=SnapshotState.FAILED if "error" in status else _COPY_STATES.get(status, SnapshotState.CREATING),
        volume=found["volume_id"],
        size=found["size"] * GIB,
        name=found["name"] or None,
        labels=found["metadata"],
        created_at=_moment(found["created_at"]),
        reason=_reason(status),
        native=found,
    )


def read_type(found: Mapping[str, Any], default: str | None) -> VolumeType:
    """A volume type from its description. Its extra specs show what the operator lets a project see."""
    specs = found.get("extra_specs") or {}
    return VolumeType(
        found["name"],
        found.get("description") or "",
        smallest=_size(specs.get("provisioning:min_vol_size")) or GIB,
        largest=_size(specs.get("provisioning:max_vol_size")),
        default=found["id"] == default,
    )


def _size(gibibytes: str | None) -> int | None:
    return int(gibibytes) * GIB if gibibytes and gibibytes.isdigit() else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _reason(status: str) -> str | None:
    return f"Cinder's status is {status}" if "error" in status else None
