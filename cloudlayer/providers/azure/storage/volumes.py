"""Azure's descriptions of disks and snapshots, read as ours, and the documents that make them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cloudlayer.providers.azure.marks import NAME, PART_OF, is_ours, last_name, part, read_labels, tags_of, zone_of, zones_of
from cloudlayer.providers.azure.options import VolumeOverrides
from cloudlayer.providers.azure.storage.volume_types import gibibytes
from cloudlayer.resources import Snapshot, SnapshotState, Volume, VolumeSpec, VolumeState, VolumeType
from cloudlayer.units import GIB, MIB

_STATES: Final[Mapping[str, VolumeState]] = {
    "creating": VolumeState.CREATING,
    "updating": VolumeState.UPDATING,
    "deleting": VolumeState.DELETING,
    "failed": VolumeState.FAILED,
}
_COPY_STATES: Final[Mapping[str, SnapshotState]] = {
    "succeeded": SnapshotState.READY,
    "deleting": SnapshotState.DELETING,
    "failed": SnapshotState.FAILED,
}


def read_volume(found: Mapping[str, Any], region: str, device: str | None = None) -> Volume:
    """A volume from its disk's description; `device` is where its machine sees it."""
    tags, properties, holder = tags_of(found), found["properties"], holder_of(found)
    steady = VolumeState.ATTACHED if holder else VolumeState.AVAILABLE
    return Volume(
        found["name"],
        "azure",
        region,
        zone=zone_of(found),
        state=_STATES.get(_state(found), steady),
        size=int(properties.get("diskSizeGB") or 0) * GIB,
        name=tags.get(NAME, None if is_ours(tags) else found["name"]),
        type=(found.get("sku") or {}).get("name"),
        attached_to=holder,
        device=device,
        labels=read_labels(tags),
        created_at=_time(properties.get("timeCreated")),
        native=found,
    )


def holder_of(found: Mapping[str, Any]) -> str | None:
    """The instance that a disk is attached to: a machine's name, or "SET/NUMBER" for a uniform scale set's member."""
    machine = str(found.get("managedBy") or "")
    if not machine:
        return None
    group = part(machine, "virtualMachineScaleSets")
    return f"{group}/{last_name(machine)}" if group else last_name(machine)


def is_disk(found: Mapping[str, Any]) -> bool:
    """Whether a disk is an instance's own: made with it, and deleted with it."""
    return PART_OF in tags_of(found) or bool(found["properties"].get("osType"))


def read_snapshot(found: Mapping[str, Any], region: str) -> Snapshot:
    """A snapshot from its description."""
    tags, properties = tags_of(found), found["properties"]
    source = str((properties.get("creationData") or {}).get("sourceResourceId") or "")
    return Snapshot(
        found["name"],
        "azure",
        region,
        state=_COPY_STATES.get(_state(found), SnapshotState.CREATING),
        volume=last_name(source),
        size=int(properties.get("diskSizeGB") or 0) * GIB,
        name=tags.get(NAME),
        labels=read_labels(tags),
        created_at=_time(properties.get("timeCreated")),
        native=found,
    )


def volume_document(
    spec: VolumeSpec, kind: VolumeType, overrides: VolumeOverrides, *, zone: str, region: str, source: str | None
) -> dict[str, Any]:
    """What makes a disk, but for its tags; `source` is the id of the snapshot that it starts from."""
    creation = {"createOption": "Copy", "sourceResourceId": source} if source else {"createOption": "Empty"}
    keys = overrides.encryption_set
    encryption = {"encryption": {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": keys}} if keys else {}
    speeds = {
        "diskIOPSReadWrite": spec.iops,
        "diskMBpsReadWrite": math.ceil(spec.throughput / MIB) if spec.throughput is not None else None,
    }
    zones = zones_of(zone)
    return {
        "location": region,
        "sku": {"name": kind.name},
        **({"zones": zones} if zones else {}),
        "properties": {
            "creationData": creation,
            "diskSizeGB": gibibytes(kind.name, spec.size, spec.iops),
            **{name: value for name, value in speeds.items() if value is not None},
            **encryption,
        },
    }


def _state(found: Mapping[str, Any]) -> str:
    """The provisioning state; where a first answer has none, it is being made."""
    return str(found["properties"].get("provisioningState") or "creating").lower()


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
