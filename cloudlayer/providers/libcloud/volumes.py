"""Libcloud's volumes and snapshots, read as ours: each driver has its own words in `extra`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from libcloud.compute.types import StorageVolumeState, VolumeSnapshotState

from cloudlayer.providers.libcloud import names
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.catalogue import Sold
from cloudlayer.providers.libcloud.nodes import ZONES, first, moment
from cloudlayer.resources import Snapshot, SnapshotState, Volume, VolumeState
from cloudlayer.units import GIB

_STATES: Final[Mapping[str, VolumeState]] = {
    StorageVolumeState.AVAILABLE.value: VolumeState.AVAILABLE,
    StorageVolumeState.INUSE.value: VolumeState.ATTACHED,
    StorageVolumeState.ERROR.value: VolumeState.FAILED,
    StorageVolumeState.CREATING.value: VolumeState.CREATING,
    StorageVolumeState.DELETING.value: VolumeState.DELETING,
    StorageVolumeState.DELETED.value: VolumeState.DELETED,
    StorageVolumeState.BACKUP.value: VolumeState.UPDATING,
    StorageVolumeState.ATTACHING.value: VolumeState.UPDATING,
    StorageVolumeState.MIGRATING.value: VolumeState.UPDATING,
    StorageVolumeState.UPDATING.value: VolumeState.UPDATING,
}
_SNAPSHOT_STATES: Final[Mapping[str, SnapshotState]] = {
    VolumeSnapshotState.AVAILABLE.value: SnapshotState.READY,
    VolumeSnapshotState.ERROR.value: SnapshotState.FAILED,
    VolumeSnapshotState.CREATING.value: SnapshotState.CREATING,
    VolumeSnapshotState.DELETING.value: SnapshotState.DELETING,
    VolumeSnapshotState.RESTORING.value: SnapshotState.READY,
    VolumeSnapshotState.UPDATING.value: SnapshotState.CREATING,
}
_HOLDERS: Final = ("instance_id", "linode_id", "attached_to_instance", "droplet_ids", "attachedTo", "attachments", "users")
_ON_THE_WAY: Final = ("attaching", "detaching", "busy")
_DATES: Final = ("create_time", "created_at", "created", "creationTimestamp", "date_created")
_VOLUMES: Final = ("volume_id", "resource_id", "source_volume_id", "sourceDisk")
_TYPES: Final = ("volume_type", "type", "disk_type")


@dataclass(frozen=True, slots=True)
class VolumeReader:
    """Reads the volumes and snapshots of one driver."""

    provider: str
    region: str
    adapter: Adapter

    def labels(self, extra: Mapping[str, Any] | None) -> dict[str, str]:
        """The labels of a volume or snapshot."""
        kept = self.adapter.volumes
        found = kept.told(extra or {}) if kept else {}
        return {name: value for name, value in found.items() if name not in self.adapter.hidden}

    def zone(self, extra: Mapping[str, Any], sold: Sold) -> str:
        """The zone of a volume, or of the node that it is to be attached to; empty where the driver does not tell."""
        return sold.zone_of(first(extra, ZONES))

    def volume(self, found: Any, sold: Sold) -> Volume:
        """The volume."""
        extra = found.extra or {}
        holder = holder_of(found)
        return Volume(
            self.adapter.id_of(found),
            self.provider,
            self.region,
            zone=self.zone(extra, sold),
            state=_state(found, holder),
            size=int(float(found.size or 0) * GIB),
            name=names.shown(found.name),
            type=_text(first(extra, _TYPES)),
            attached_to=holder,
            device=_device(extra) if holder else None,
            labels=self.labels(extra),
            created_at=moment(first(extra, _DATES)),
            native=found,
        )

    def snapshot(self, found: Any) -> Snapshot:
        """The snapshot."""
        extra = found.extra or {}
        told = getattr(found.state, "value", found.state)
        return Snapshot(
            self.adapter.id_of(found),
            self.provider,
            self.region,
            state=_SNAPSHOT_STATES.get(str(told), SnapshotState.READY),
            volume=str(first(extra, _VOLUMES) or "").rpartition("/")[2],
            size=int(float(found.size or 0) * GIB),
            name=names.shown(found.name),
            labels=self.labels(extra),
            created_at=moment(found.created or first(extra, _DATES)),
            native=found,
        )


def holder_of(found: Any) -> str | None:
    """The id of the instance that a volume is attached to."""
    told = first(found.extra or {}, _HOLDERS)
    if isinstance(told, list | tuple):
        told = told[0]
    if isinstance(told, Mapping):
        told = told.get("serverId") or told.get("server_id") or told.get("id")
    return str(told).rpartition("/")[2] if told else None


def is_disk(found: Any) -> bool:
    """Whether the volume was made with its instance, and goes with it."""
    return str((found.extra or {}).get("delete", "")).lower() == "true"


def _state(found: Any, holder: str | None) -> VolumeState:
    extra = found.extra or {}
    told = str(getattr(found.state, "value", found.state))
    if extra.get("attachment_status") in _ON_THE_WAY:
        return VolumeState.UPDATING
    return _STATES.get(told, VolumeState.ATTACHED if holder else VolumeState.AVAILABLE)


def _device(extra: Mapping[str, Any]) -> str | None:
    attachments = extra.get("attachments") or ()
    told = attachments[0].get("device") if attachments and isinstance(attachments[0], Mapping) else None
    return _text(told or first(extra, ("device", "filesystem_path", "mount_id")))


def _text(told: Any) -> str | None:
    return str(told) if told else None
