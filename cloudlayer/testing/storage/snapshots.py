"""What snapshots promise, and volumes that start from them."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import pytest

from cloudlayer import labels
from cloudlayer.errors import CloudError, Conflict, InvalidSpec, NotFound, QuotaError, TransientError
from cloudlayer.interfaces import Provider, Storage
from cloudlayer.resources import Instance, Snapshot, VolumeSpec
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.faults import Faults
from cloudlayer.testing.skips import lacks, need
from cloudlayer.testing.storage.base import VolumePromises


class SnapshotPromises(VolumePromises):
    """A snapshot is made once for a token, found by its labels, and leads to new volumes."""

    @proves("volume_snapshots")
    def test_a_snapshot_says_what_it_is_of(self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str) -> None:
        """Its volume and that one's size; labels and token are there from the start."""
        need(provider, "volume_snapshots")
        volume = self.volume(storage, spec)
        made = storage.snapshot(volume.id, token=token, name="copy", labels=spec.labels)
        assert (made.provider, made.region, made.volume) == (provider.name, provider.region, volume.id)
        (listed,) = storage.snapshots({labels.TOKEN: token})
        ready = storage.wait_snapshot(made, "ready", timeout=self.patience)
        for snapshot in (made, listed, ready):
            assert (snapshot.id, snapshot.name, snapshot.size) == (made.id, "copy", volume.size)
            assert snapshot.labels.items() >= {**spec.labels, labels.TOKEN: token}.items()

    @proves("volume_snapshots")
    def test_the_same_token_gives_the_same_snapshot(
        self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str
    ) -> None:
        """Another token gives another, another volume under a used token is a conflict."""
        need(provider, "volume_snapshots")
        volume = self.volume(storage, spec)
        made = self._snapshot(storage, volume.id, token, spec)
        assert storage.snapshot(volume.id, token=token, labels=spec.labels).id == made.id
        with pytest.raises(Conflict):
            storage.snapshot(volume.id, token=token, labels={**spec.labels, "changed": "yes"})
        assert [found.id for found in storage.snapshots(spec.labels)] == [made.id]
        assert self._snapshot(storage, volume.id, str(uuid4()), spec).id != made.id

    def test_a_snapshots_lost_answer_is_found_again_by_its_token(
        self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str, faults: Faults
    ) -> None:
        """The snapshot was made: asking again adopts it."""
        need(provider, "volume_snapshots")
        volume = self.volume(storage, spec)
        faults.lose_answer("snapshot")
        with suppress(TransientError):
            storage.snapshot(volume.id, token=token, labels=spec.labels)
        made = self._snapshot(storage, volume.id, token, spec)
        assert [found.id for found in storage.snapshots(spec.labels)] == [made.id]

    def test_a_snapshot_quota_is_its_own_error(
        self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str, faults: Faults
    ) -> None:
        """And no snapshot is made."""
        need(provider, "volume_snapshots")
        volume = self.volume(storage, spec)
        faults.exceed_quota("snapshot")
        with pytest.raises(QuotaError):
            storage.snapshot(volume.id, token=token, labels=spec.labels)
        faults.clear()
        assert list(storage.snapshots(spec.labels)) == []

    def test_a_list_of_snapshots_is_whole_whatever_the_pages(
        self, provider: Provider, storage: Storage, spec: VolumeSpec, faults: Faults
    ) -> None:
        """Each once, and by their labels."""
        need(provider, "volume_snapshots")
        volume = self.volume(storage, spec)
        faults.smallest_pages()
        made = set()
        for number in range(2 * self.page + 1):
            marked = {**spec.labels, "number": str(number)}
            copy = storage.snapshot(volume.id, token=str(uuid4()), labels=marked)
            made.add(storage.wait_snapshot(copy, "ready", timeout=self.patience).id)
        found = [snapshot.id for snapshot in storage.snapshots(spec.labels)]
        assert sorted(found) == sorted(made)
        assert len(storage.snapshots({**spec.labels, "number": "0"})) == 1

    @proves("volume_snapshots")
    def test_an_attached_volume_can_be_copied(
        self, provider: Provider, storage: Storage, spec: VolumeSpec, instance: Instance, token: str
    ) -> None:
        """And stays attached."""
        need(provider, "volume_snapshots")
        volume = self.attached(storage, spec, instance)
        self._snapshot(storage, volume.id, token, spec)
        assert storage.wait(volume, "attached", timeout=self.patience).attached_to == instance.id

    @proves("volume_snapshots")
    def test_a_volume_starts_from_a_snapshot(self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str) -> None:
        """As large as it or larger; a smaller one is a fault of the spec."""
        need(provider, "volume_snapshots")
        volume = self.volume(storage, spec, size=2 * spec.size)
        copy = self._snapshot(storage, volume.id, token, spec)
        assert self.volume(storage, spec, size=4 * spec.size, snapshot=copy.id).size >= 4 * spec.size
        with pytest.raises(InvalidSpec):
            self.volume(storage, spec, size=spec.size, snapshot=copy.id)

    @proves("volume_snapshots")
    def test_calls_on_an_absent_snapshot_are_not_found(
        self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str, absent_snapshot: str, absent_id: str
    ) -> None:
        """Nor is there one of a volume that is not there, nor a volume from it."""
        need(provider, "volume_snapshots")
        with pytest.raises(NotFound):
            storage.get_snapshot(absent_snapshot)
        with pytest.raises(NotFound):
            storage.create(spec.model_copy(update={"snapshot": absent_snapshot}), token=token)
        with pytest.raises(NotFound):
            storage.snapshot(absent_id, token=token, labels=spec.labels)
        assert list(storage.snapshots(spec.labels)) == []

    @proves("volume_snapshots")
    def test_a_deleted_snapshot_is_gone(
        self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str, absent_snapshot: str
    ) -> None:
        """Deleting it twice is no error, nor is deleting what never was; a wait for it to be ready ends at once."""
        need(provider, "volume_snapshots")
        volume = self.volume(storage, spec)
        copy = self._snapshot(storage, volume.id, token, spec)
        for id in (copy.id, copy.id, absent_snapshot):  # noqa: A001
            storage.delete_snapshot(id)
        assert storage.wait_snapshot(copy, "deleted", timeout=self.patience).state == "deleted"
        with pytest.raises(CloudError) as caught:
            storage.wait_snapshot(copy, "ready", timeout=self.patience)
        assert not isinstance(caught.value, TransientError)
        assert storage.get(volume.id).state == "available"

    @proves("snapshots_outlive_volumes")
    def test_a_snapshot_outlives_its_volume(self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str) -> None:
        """And leads to a new one."""
        need(provider, "volume_snapshots", "snapshots_outlive_volumes")
        volume = self.volume(storage, spec)
        copy = self._snapshot(storage, volume.id, token, spec)
        self.removed(storage, volume.id)
        assert storage.get_snapshot(copy.id).state == "ready"
        assert self.volume(storage, spec, snapshot=copy.id).size >= volume.size

    def test_a_volume_with_snapshots_that_could_not_stay_is_a_conflict(
        self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str
    ) -> None:
        """Until they are deleted."""
        lacks(provider, "snapshots_outlive_volumes")
        need(provider, "volume_snapshots")
        volume = self.volume(storage, spec)
        copy = self._snapshot(storage, volume.id, token, spec)
        with pytest.raises(Conflict):
            storage.delete(volume.id)
        storage.delete_snapshot(copy.id)
        storage.wait_snapshot(copy, "deleted", timeout=self.patience)
        self.removed(storage, volume.id)

    def test_wait_for_an_unknown_snapshot_state_is_refused(
        self, provider: Provider, storage: Storage, absent_snapshot: str
    ) -> None:
        """With the states that there are."""
        need(provider, "volume_snapshots")
        with pytest.raises(InvalidSpec, match="ready"):
            storage.wait_snapshot(absent_snapshot, "flying")

    def _snapshot(self, storage: Storage, volume: str, token: str, spec: VolumeSpec) -> Snapshot:
        made = storage.snapshot(volume, token=token, labels=spec.labels)
        return storage.wait_snapshot(made, "ready", timeout=self.patience)
