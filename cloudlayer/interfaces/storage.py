"""Storage: volumes, their snapshots, and shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cloudlayer.interfaces.clock import Deadline
from cloudlayer.resources import (
    Share,
    ShareSpec,
    ShareState,
    Snapshot,
    SnapshotState,
    Volume,
    VolumeSpec,
    VolumeState,
    VolumeType,
)


class Storage(Protocol):
    """Volumes, snapshots and shares. Creates are idempotent by `token` (a UUID), as those of the other interfaces are."""

    def types(self, *, deadline: Deadline | None = None) -> Sequence[VolumeType]:
        """The kinds of volumes on sale here, with their bounds and speeds."""
        ...

    def create(self, spec: VolumeSpec, *, token: str, deadline: Deadline | None = None) -> Volume:
        """Begin to make a volume. InvalidSpec for less than its snapshot's size, NotFound for a snapshot that is not there."""
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """The volume as it is now; NotFound if it is not there."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Volume]:
        """Every volume that carries all of `labels`, pages flattened; deleted ones may still be among them."""
        ...

    def attach(self, id: str, instance: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to attach the volume to an instance of its zone; no error if it is attached there already.

        Conflict if it is attached elsewhere or the instance is of another zone, NotFound if either is not there.
        """
        ...

    def detach(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to detach the volume; one that is attached nowhere is no error."""
        ...

    def grow(self, id: str, size: int, *, deadline: Deadline | None = None) -> Volume:
        """Begin to make the volume `size` bytes large; InvalidSpec if it is larger, no error if it is so."""
        ...

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the volume; Conflict while it is attached. One that is not there is no error. Snapshots stay.

        Where a cloud cannot keep them without it (capability `snapshots_outlive_volumes`), Conflict while there are any.
        """
        ...

    def wait(
        self, volume: Volume | str, state: VolumeState | str, *, timeout: float = 600, deadline: Deadline | None = None
    ) -> Volume:
        """The volume once it is in `state`; as `Compute.wait`."""
        ...

    def snapshot(
        self,
        id: str,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> Snapshot:
        """Begin to copy the volume as it is now, attached or not."""
        ...

    def get_snapshot(self, id: str, *, deadline: Deadline | None = None) -> Snapshot:
        """The snapshot as it is now; NotFound if it is not there."""
        ...

    def snapshots(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Snapshot]:
        """Every snapshot of this account that carries all of `labels`, pages flattened."""
        ...

    def delete_snapshot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete a snapshot; one that is not there is no error."""
        ...

    def wait_snapshot(
        self, snapshot: Snapshot | str, state: SnapshotState | str, *, timeout: float = 900, deadline: Deadline | None = None
    ) -> Snapshot:
        """The snapshot once it is in `state`; as `Compute.wait`."""
        ...

    def create_share(self, spec: ShareSpec, *, token: str, deadline: Deadline | None = None) -> Share:
        """Begin to make a share. Unsupported, with the declared reason, for a protocol that is not to be had here."""
        ...

    def get_share(self, id: str, *, deadline: Deadline | None = None) -> Share:
        """The share as it is now; NotFound if it is not there."""
        ...

    def shares(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Share]:
        """Every share that carries all of `labels`, pages flattened; deleted ones may still be among them."""
        ...

    def delete_share(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the share and all that is in it, mounted or not; one that is not there is no error."""
        ...

    def wait_share(
        self, share: Share | str, state: ShareState | str, *, timeout: float = 600, deadline: Deadline | None = None
    ) -> Share:
        """The share once it is in `state`; as `Compute.wait`."""
        ...
