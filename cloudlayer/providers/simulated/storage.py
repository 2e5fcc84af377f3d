"""Storage on the simulated cloud: the driver of volumes, snapshots and shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Capabilities, Deadline
from cloudlayer.providers.base.attempts import PLAIN_LABELS, checked_token, fingerprint
from cloudlayer.providers.base.storage import BaseStorage, require_share, require_volume
from cloudlayer.providers.simulated import shares, snapshots, volumes
from cloudlayer.providers.simulated.calls import Attempt, Calls, Made
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
from cloudlayer.runtime.simulated import Simulation
from cloudlayer.runtime.simulated.records import Document
from cloudlayer.specs import checked


class SimulatedStorage(BaseStorage):
    """Volumes, snapshots and shares of one region of a world."""

    def __init__(self, capabilities: Capabilities, region: str, simulation: Simulation) -> None:
        super().__init__(capabilities, region, clock=simulation.clock)
        self._calls = Calls(simulation, region)

    def types(self, *, deadline: Deadline | None = None) -> Sequence[VolumeType]:
        """The kinds of volumes on sale."""
        return self._calls.run("volume.types", self.region, lambda _document, _now: volumes.TYPES, deadline)

    def create(self, spec: VolumeSpec, *, token: str, deadline: Deadline | None = None) -> Volume:
        """Begin to make a volume; idempotent by token."""
        token, digest = checked_token(token), fingerprint([spec])
        require_volume(spec, self.capabilities)
        PLAIN_LABELS.check(spec.labels)
        _refuse_overrides(spec, "volumes")

        def make(document: Document, now: float, made: Made) -> Volume:
            return volumes.create(document, now, self.region, spec, token=token, digest=digest, labels=made.labels)

        attempt = Attempt(spec.name, token, digest, spec.labels, deadline)
        return self._calls.create("volume.create", attempt, found=self.list, make=make)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """The volume as the cloud shows it."""
        return self._calls.run("volume.get", id, lambda doc, now: volumes.describe(doc, now, self.region, id), deadline)

    def attach(self, id: str, instance: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to attach the volume to an instance of its zone."""

        def operation(document: Document, now: float) -> Volume:
            return volumes.attach(document, now, self.region, id, instance)

        return self._calls.run("volume.attach", f"{id} {instance}", operation, deadline)

    def detach(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to detach the volume."""
        return self._calls.run("volume.detach", id, lambda doc, now: volumes.detach(doc, now, self.region, id), deadline)

    def grow(self, id: str, size: int, *, deadline: Deadline | None = None) -> Volume:
        """Begin to make the volume `size` bytes large, rounded up to whole GiB; attached or not."""
        return self._calls.run("volume.grow", id, lambda doc, now: volumes.grow(doc, now, self.region, id, size), deadline)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the volume."""
        self._calls.run("volume.delete", id, lambda doc, now: volumes.delete(doc, now, self.region, id), deadline)

    def wait(
        self, volume: Volume | str, state: VolumeState | str, *, timeout: float = 600, deadline: Deadline | None = None
    ) -> Volume:
        """The volume once it is in `state`, eventual consistency waited out."""
        self.settle = self._calls.settle
        return super().wait(volume, state, timeout=timeout, deadline=deadline)

    def snapshot(
        self,
        id: str,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> Snapshot:
        """Begin to copy the volume as it is now; idempotent by token."""
        token = checked_token(token)
        asked = {"volume": id, "name": name, "labels": dict(labels or {})}
        spec = checked(snapshots.SnapshotSpec, asked, "snapshot")
        PLAIN_LABELS.check(spec.labels)
        digest = fingerprint([spec])

        def make(document: Document, now: float, made: Made) -> Snapshot:
            return snapshots.create(document, now, self.region, spec, token=token, digest=digest, labels=made.labels)

        attempt = Attempt(name, token, digest, spec.labels, deadline)
        return self._calls.create("snapshot.create", attempt, found=self.snapshots, make=make)

    def get_snapshot(self, id: str, *, deadline: Deadline | None = None) -> Snapshot:
        """The snapshot as the cloud shows it."""
        return self._calls.run("snapshot.get", id, lambda doc, now: snapshots.describe(doc, now, self.region, id), deadline)

    def snapshots(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Snapshot]:
        """Every snapshot of the region that carries all of `labels`."""
        wanted = dict(labels or {})

        def page(document: Document, now: float, after: str | None) -> tuple[Sequence[Snapshot], str | None]:
            return snapshots.page(document, now, self.region, wanted, after)

        return self._calls.pages("snapshot.list", page, deadline)

    def delete_snapshot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete a snapshot."""
        self._calls.run("snapshot.delete", id, lambda doc, now: snapshots.delete(doc, now, self.region, id), deadline)

    def wait_snapshot(
        self, snapshot: Snapshot | str, state: SnapshotState | str, *, timeout: float = 900, deadline: Deadline | None = None
    ) -> Snapshot:
        """The snapshot once it is in `state`, eventual consistency waited out."""
        self.settle = self._calls.settle
        return super().wait_snapshot(snapshot, state, timeout=timeout, deadline=deadline)

    def create_share(self, spec: ShareSpec, *, token: str, deadline: Deadline | None = None) -> Share:
        """Begin to make a share: its account first, then itself; idempotent by token."""
        token, digest = checked_token(token), fingerprint([spec])
        require_share(spec, self.capabilities)
        PLAIN_LABELS.check(spec.labels)
        _refuse_overrides(spec, "shares")

        def make(document: Document, now: float, made: Made) -> Share:
            return shares.create(
                document, now, self.region, spec, token=token, digest=digest, labels=made.labels, made_with=made.pieces
            )

        attempt = Attempt(spec.name, token, digest, spec.labels, deadline)
        return self._calls.create("share.create", attempt, kinds=["share_account"], found=self.shares, make=make)

    def get_share(self, id: str, *, deadline: Deadline | None = None) -> Share:
        """The share as the cloud shows it."""
        return self._calls.run("share.get", id, lambda doc, now: shares.describe(doc, now, self.region, id), deadline)

    def shares(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Share]:
        """Every share of the region that carries all of `labels`."""
        wanted = dict(labels or {})

        def page(document: Document, now: float, after: str | None) -> tuple[Sequence[Share], str | None]:
            return shares.page(document, now, self.region, wanted, after)

        return self._calls.pages("share.list", page, deadline)

    def delete_share(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the share, and delete its account."""
        used = self._calls.run("share.delete", id, lambda doc, now: shares.delete(doc, now, self.region, id), deadline)
        self._calls.discard(used, deadline)

    def wait_share(
        self, share: Share | str, state: ShareState | str, *, timeout: float = 600, deadline: Deadline | None = None
    ) -> Share:
        """The share once it is in `state`, eventual consistency waited out."""
        self.settle = self._calls.settle
        return super().wait_share(share, state, timeout=timeout, deadline=deadline)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Volume]:
        """Every volume of the region that carries all of `labels`."""
        wanted = dict(labels or {})

        def page(document: Document, now: float, after: str | None) -> tuple[Sequence[Volume], str | None]:
            return volumes.page(document, now, self.region, wanted, after)

        return self._calls.pages("volume.list", page, deadline)


def _refuse_overrides(spec: VolumeSpec | ShareSpec, of: str) -> None:
    if spec.overrides:
        raise InvalidSpec(f"overrides.{next(iter(spec.overrides))}: unknown key; the simulated cloud has none for {of}")
