"""What every Storage has in common: waiting, and what a spec needs of the provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final

from cloudlayer.errors import CloudError
from cloudlayer.interfaces import Capabilities, Deadline
from cloudlayer.providers.base.capabilities import missing
from cloudlayer.providers.base.interface import BaseInterface
from cloudlayer.providers.base.waiting import State, Waiter, will_not_be
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

_LOST: Final = frozenset({VolumeState.FAILED, VolumeState.DELETING, VolumeState.DELETED})
_ENDING: Final = frozenset({VolumeState.DELETING, VolumeState.DELETED})
_ANY: Final = frozenset({VolumeState.CREATING, VolumeState.AVAILABLE, VolumeState.UPDATING, VolumeState.ATTACHED})

WAITERS: Final[Mapping[VolumeState, Waiter[VolumeState]]] = {
    VolumeState.CREATING: Waiter(_ANY, _LOST),
    VolumeState.AVAILABLE: Waiter(frozenset({VolumeState.AVAILABLE}), _LOST),
    VolumeState.ATTACHED: Waiter(frozenset({VolumeState.ATTACHED}), _LOST),
    VolumeState.UPDATING: Waiter(frozenset({VolumeState.UPDATING}), _LOST),
    VolumeState.DELETING: Waiter(_ENDING, frozenset({VolumeState.FAILED})),
    VolumeState.DELETED: Waiter(frozenset({VolumeState.DELETED}), frozenset({VolumeState.FAILED})),
    VolumeState.FAILED: Waiter(frozenset({VolumeState.FAILED}), _ENDING),
}
"""By the state that is waited for. AVAILABLE is no failure on the way to ATTACHED, nor the reverse: a call may not show yet."""


def _without_changes(states: type[State]) -> Mapping[State, Waiter[State]]:
    """The waiters of what is made, is ready and is deleted, with nothing in between."""
    creating, ready, deleting, deleted, failed = map(states, ("creating", "ready", "deleting", "deleted", "failed"))
    lost, ending = frozenset({failed, deleting, deleted}), frozenset({deleting, deleted})
    return {
        creating: Waiter(frozenset({creating, ready}), lost),
        ready: Waiter(frozenset({ready}), lost),
        deleting: Waiter(ending, frozenset({failed})),
        deleted: Waiter(frozenset({deleted}), frozenset({failed})),
        failed: Waiter(frozenset({failed}), ending),
    }


SNAPSHOT_WAITERS: Final = _without_changes(SnapshotState)
"""The same for snapshots."""

SHARE_WAITERS: Final = _without_changes(ShareState)
"""The same for shares."""


class BaseStorage(BaseInterface, ABC):
    """A Storage to build on."""

    @abstractmethod
    def create(self, spec: VolumeSpec, *, token: str, deadline: Deadline | None = None) -> Volume:
        """Begin to make a volume; idempotent by token."""

    @abstractmethod
    def get(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """The volume as it is now; NotFound if it is not there."""

    @abstractmethod
    def attach(self, id: str, instance: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to attach the volume."""

    @abstractmethod
    def detach(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to detach the volume."""

    @abstractmethod
    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the volume; one that is not there is no error."""

    @abstractmethod
    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Volume]:
        """Every volume that carries all of `labels`, whole."""

    def types(self, *, deadline: Deadline | None = None) -> Sequence[VolumeType]:
        """The kinds of volumes on sale here."""
        raise missing(self.capabilities, "volume_types")

    def grow(self, id: str, size: int, *, deadline: Deadline | None = None) -> Volume:
        """Begin to make the volume `size` bytes large."""
        raise missing(self.capabilities, "volume_grow")

    def wait(
        self, volume: Volume | str, state: VolumeState | str, *, timeout: float = 600, deadline: Deadline | None = None
    ) -> Volume:
        """The volume once it is in `state`; see `Waits.run` for how a wait ends otherwise."""
        waits = self._waits(
            kind="a volume",
            states=VolumeState,
            waiters=WAITERS,
            get=lambda name, bound: self.get(name, deadline=bound),
            absent=self._deleted,
            failure=self.failure,
        )
        return waits.run(volume, state, timeout, deadline)

    def failure(self, thing: Volume | Snapshot | Share, wanted: VolumeState | SnapshotState | ShareState) -> CloudError:
        """The error for a thing that will never be `wanted`; a driver that knows the reason's code refines it."""
        return will_not_be(thing, wanted, self.provider)

    def snapshot(
        self,
        id: str,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> Snapshot:
        """Begin to copy the volume as it is now."""
        raise missing(self.capabilities, "volume_snapshots")

    def get_snapshot(self, id: str, *, deadline: Deadline | None = None) -> Snapshot:
        """The snapshot as it is now."""
        raise missing(self.capabilities, "volume_snapshots")

    def snapshots(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Snapshot]:
        """Every snapshot that carries all of `labels`."""
        raise missing(self.capabilities, "volume_snapshots")

    def delete_snapshot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete a snapshot."""
        raise missing(self.capabilities, "volume_snapshots")

    def wait_snapshot(
        self, snapshot: Snapshot | str, state: SnapshotState | str, *, timeout: float = 900, deadline: Deadline | None = None
    ) -> Snapshot:
        """The snapshot once it is in `state`."""
        waits = self._waits(
            kind="a snapshot",
            states=SnapshotState,
            waiters=SNAPSHOT_WAITERS,
            get=lambda name, bound: self.get_snapshot(name, deadline=bound),
            absent=self._deleted_snapshot,
            failure=self.failure,
        )
        return waits.run(snapshot, state, timeout, deadline)

    def create_share(self, spec: ShareSpec, *, token: str, deadline: Deadline | None = None) -> Share:
        """Begin to make a share; idempotent by token."""
        raise missing(self.capabilities, "shares")

    def get_share(self, id: str, *, deadline: Deadline | None = None) -> Share:
        """The share as it is now."""
        raise missing(self.capabilities, "shares")

    def shares(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Share]:
        """Every share that carries all of `labels`."""
        raise missing(self.capabilities, "shares")

    def delete_share(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete a share."""
        raise missing(self.capabilities, "shares")

    def wait_share(
        self, share: Share | str, state: ShareState | str, *, timeout: float = 600, deadline: Deadline | None = None
    ) -> Share:
        """The share once it is in `state`."""
        waits = self._waits(
            kind="a share",
            states=ShareState,
            waiters=SHARE_WAITERS,
            get=lambda name, bound: self.get_share(name, deadline=bound),
            absent=self._deleted_share,
            failure=self.failure,
        )
        return waits.run(share, state, timeout, deadline)

    def _deleted(self, id: str) -> Volume:
        return Volume(id, self.provider, self.region, zone="", state=VolumeState.DELETED, size=0)

    def _deleted_snapshot(self, id: str) -> Snapshot:
        return Snapshot(id, self.provider, self.region, state=SnapshotState.DELETED, volume="", size=0)

    def _deleted_share(self, id: str) -> Share:
        return Share(id, self.provider, self.region, state=ShareState.DELETED, size=0, protocol="nfs")


def require_volume(spec: VolumeSpec, capabilities: Capabilities) -> None:
    """Raise Unsupported, with the declared reason, if a volume's spec asks for a capability that is not there."""
    needs = {
        "volume_types": spec.type,
        "volume_speeds": spec.iops is not None or spec.throughput is not None,
        "volume_snapshots": spec.snapshot,
    }
    for name, needed in needs.items():
        if needed and not capabilities[name]:
            raise missing(capabilities, name)


def require_share(spec: ShareSpec, capabilities: Capabilities) -> None:
    """Raise Unsupported, with the declared reason, if the provider has no shares, or none of the spec's protocol."""
    for name in ("shares", f"share_{spec.protocol}"):
        if not capabilities[name]:
            raise missing(capabilities, name)
