"""Remote storage: volumes, their snapshots, and shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from cloudlayer.specs import Name, Size, Spec


class VolumeState(StrEnum):
    """Where a volume is in its life. UPDATING: being attached, detached or grown."""

    CREATING = "creating"
    AVAILABLE = "available"
    ATTACHED = "attached"
    UPDATING = "updating"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"


class SnapshotState(StrEnum):
    """Where a snapshot is in its life."""

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"


class ShareState(StrEnum):
    """Where a share is in its life."""

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"


class VolumeSpec(Spec):
    """A block device in a zone. `throughput` is in bytes a second; `snapshot` is what it starts from.

    A size that the cloud cannot make is rounded up to one that it can. Without a zone, the provider takes its first.
    """

    name: Name | None = None
    size: Size
    zone: str | None = None
    type: str | None = None
    iops: Annotated[int, Field(ge=1)] | None = None
    throughput: Size | None = None
    snapshot: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)


class ShareSpec(Spec):
    """A file system that many machines mount at once.

    `size` is the most that it holds, as the cloud lets it be set: one that it cannot set is rounded up to one that it can.
    """

    name: Name | None = None
    size: Size
    protocol: Literal["nfs", "smb"] = "nfs"
    labels: dict[str, str] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VolumeType:
    """A kind of volume on sale. Sizes in bytes, `throughput` in bytes a second; None where the cloud sets or tells no limit.

    `iops` and `throughput` are the most that a volume of this type can be asked for; None where they cannot be asked for.
    """

    name: str
    description: str = ""
    smallest: int | None = None
    largest: int | None = None
    iops: int | None = None
    throughput: int | None = None
    default: bool = False


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume as its provider reports it; `size` in bytes."""

    id: str
    provider: str
    region: str
    zone: str
    state: VolumeState
    size: int
    name: str | None = None
    type: str | None = None
    attached_to: str | None = None
    device: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    reason: str | None = None
    native: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of a volume at one moment; `size` in bytes is that of the volume."""

    id: str
    provider: str
    region: str
    state: SnapshotState
    volume: str
    size: int
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    reason: str | None = None
    native: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Share:
    """A share as its provider reports it; `size` in bytes.

    `mount_command` is a line for the shell of a machine that may reach it, None until the share is ready. It holds no secret:
    where a mount needs one, it names the file on the machine in which the secret is to be.
    """

    id: str
    provider: str
    region: str
    state: ShareState
    size: int
    protocol: Literal["nfs", "smb"]
    mount_command: str | None = None
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    reason: str | None = None
    native: Any = field(default=None, compare=False, repr=False)
