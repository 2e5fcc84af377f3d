"""EC2's descriptions of volumes and snapshots, read as ours, and the parameters that make them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import NotFound
from cloudlayer.providers.aws.options import VolumeOverrides
from cloudlayer.providers.aws.storage.volume_types import Kind, gibibytes
from cloudlayer.providers.aws.tags import LAUNCH, NAME, read_tags, tag_list
from cloudlayer.resources import Snapshot, SnapshotState, Volume, VolumeSpec, VolumeState
from cloudlayer.units import GIB, MIB

_STATES: Final[Mapping[str, VolumeState]] = {
    "creating": VolumeState.CREATING,
    "available": VolumeState.AVAILABLE,
    "in-use": VolumeState.UPDATING,
    "deleting": VolumeState.DELETING,
    "deleted": VolumeState.DELETED,
    "error": VolumeState.FAILED,
}
"""A volume in use is attached once its attachment says so, and under way to or from there until then."""

_COPY_STATES: Final[Mapping[str, SnapshotState]] = {
    "pending": SnapshotState.CREATING,
    "recovering": SnapshotState.CREATING,
    "completed": SnapshotState.READY,
    "error": SnapshotState.FAILED,
    "recoverable": SnapshotState.DELETED,
}

_STEADY: Final = (VolumeState.AVAILABLE, VolumeState.ATTACHED)


def check_id(kind: str, id: str) -> None:
    """Raise NotFound for what is no id of `kind` ("vol", "snap"): EC2's code for it stands for much else too."""
    if not re.fullmatch(rf"{kind}-[0-9a-f]{{8,17}}", id, re.ASCII):
        what = {"vol": "volume", "snap": "snapshot"}[kind]
        raise NotFound(f'there is no {what} "{id}": its id would begin with "{kind}-"', provider="aws", code="Malformed")


def read_volume(found: Mapping[str, Any], region: str, *, growing: bool = False) -> Volume:
    """A volume from its description; `growing` says that a modification of it is under way."""
    name, labels = read_tags(found)
    attachment = attachment_of(found)
    state = _STATES[found["State"]]
    if attachment.get("State") == "attached" and state is VolumeState.UPDATING:
        state = VolumeState.ATTACHED
    if growing and state in _STEADY:
        state = VolumeState.UPDATING
    return Volume(
        found["VolumeId"],
        "aws",
        region,
        zone=found["AvailabilityZone"],
        state=state,
        size=int(found["Size"]) * GIB,
        name=name,
        type=found.get("VolumeType"),
        attached_to=attachment.get("InstanceId"),
        device=attachment.get("Device"),
        labels=labels,
        created_at=found.get("CreateTime"),
        native=found,
    )


def attachment_of(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where a volume is attached, or is being attached or detached; empty if nowhere."""
    return next((item for item in found.get("Attachments", ()) if item.get("State") != "detached"), {})


def is_disk(found: Mapping[str, Any]) -> bool:
    """Whether a volume is the disk of an instance: made with it, and deleted with it."""
    starting = found["State"] == "creating" and any(tag["Key"] == LAUNCH for tag in found.get("Tags", ()))
    return starting or any(item.get("DeleteOnTermination") for item in found.get("Attachments", ()))


def read_snapshot(found: Mapping[str, Any], region: str) -> Snapshot:
    """A snapshot from its description."""
    name, labels = read_tags(found)
    return Snapshot(
        found["SnapshotId"],
        "aws",
        region,
        state=_COPY_STATES[found["State"]],
        volume=found["VolumeId"],
        size=int(found["VolumeSize"]) * GIB,
        name=name,
        labels=labels,
        created_at=found.get("StartTime"),
        reason=found.get("StateMessage") or None,
        native=found,
    )


def volume_parameters(
    spec: VolumeSpec, kind: Kind, overrides: VolumeOverrides, *, token: str, digest: str, zone: str
) -> dict[str, Any]:
    """The parameters of CreateVolume."""
    wanted = {
        "ClientToken": token,
        "AvailabilityZone": zone,
        "Size": gibibytes(spec.size),
        "VolumeType": kind.type.name,
        "Iops": spec.iops,
        "Throughput": math.ceil(spec.throughput / MIB) if spec.throughput is not None else None,
        "SnapshotId": spec.snapshot,
        "Encrypted": overrides.encrypted or overrides.kms_key_id is not None or None,
        "KmsKeyId": overrides.kms_key_id,
        "TagSpecifications": tag_specification("volume", spec.name, spec.labels, token, digest),
    }
    return {name: value for name, value in wanted.items() if value is not None}


def tag_specification(kind: str, name: str | None, labels: Mapping[str, str], token: str, digest: str) -> list[dict[str, Any]]:
    """The tags of a thing of EC2's kind, from its creation on."""
    tags = {**labels, names.TOKEN: token, names.SPEC: digest}
    if name is not None:
        tags[NAME] = name
    return [{"ResourceType": kind, "Tags": tag_list(tags)}]
