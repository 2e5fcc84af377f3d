"""Snapshots of disks. They are global and copy a disk whose zone tells the region; their names follow from their tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.attempts import fingerprint, native_name
from cloudlayer.providers.base.patience import insist
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.codes import EXISTS, NOT_READY
from cloudlayer.providers.gcp.marks import LONGEST_NAME, label_filter, marked, same_spec
from cloudlayer.providers.gcp.storage.disks import place_of, read_snapshot, token_of
from cloudlayer.resources import Snapshot, SnapshotState
from cloudlayer.specs import Spec


class _Copy(Spec):
    """All that is asked for with a snapshot, for its fingerprint."""

    volume: str
    name: str | None
    labels: dict[str, str]


class Snapshots:
    """Snapshots of the disks of one region."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def make(self, disk: Any, token: str, name: str | None, labels: dict[str, str], deadline: Deadline) -> Snapshot:
        """The snapshot of this token, made if there is none yet; Conflict if it is of something else."""
        digest = fingerprint([_Copy(volume=place_of(disk.self_link), name=name, labels=labels)])
        native = native_name(name, token, LONGEST_NAME)
        found = next(self._client.pages("snapshots", filter=f"name eq .*-{token_of(native)}", deadline=deadline), None)
        if found is None:
            self._insert(native, disk, marked(labels, name, token, digest), deadline)
            found = self.found(native, deadline)
        same_spec(found.labels, digest, found.name)
        return read_snapshot(found, self._client.region)

    def find(self, id: str, deadline: Deadline) -> Any:
        """Compute Engine's description of a snapshot; None if it is not there."""
        try:
            return self.found(id, deadline)
        except NotFound:
            return None

    def found(self, id: str, deadline: Deadline) -> Any:
        """Compute Engine's description of a snapshot; NotFound if it is not there."""
        if not id or "/" in id:
            raise NotFound(f"snapshot {id} is not there", provider="gcp", code="notFound")
        return self._client.call("snapshots", "get", snapshot=id, deadline=deadline)

    def list(self, labels: Mapping[str, str], deadline: Deadline) -> Sequence[Snapshot]:
        """Every snapshot of a disk of this region that carries all of `labels`."""
        pages = self._client.pages("snapshots", filter=label_filter(labels), deadline=deadline)
        mine = [found for found in pages if place_of(found.source_disk).startswith(f"{self._client.region}-")]
        return [read_snapshot(found, self._client.region) for found in mine]

    def delete(self, id: str, deadline: Deadline) -> None:
        """Delete the snapshot; one that is not there, or on its way out, is no error. One that is being made is waited for."""

        def attempt() -> None:
            found = self.find(id, deadline)
            if found is not None and read_snapshot(found, self._client.region).state is not SnapshotState.DELETING:
                self._client.remove("snapshots", snapshot=id, wait=True, deadline=deadline)

        insist(attempt, NOT_READY, self._clock, deadline, f"deleting snapshot {id}")

    def _insert(self, name: str, disk: Any, labels: Mapping[str, str], deadline: Deadline) -> None:
        wanted = {
            "name": name,
            "source_disk": disk.self_link,
            "labels": dict(labels),
            "storage_locations": [self._client.region],
        }
        try:
            self._client.run("snapshots", "insert", snapshot_resource=wanted, deadline=deadline)
        except Conflict as error:
            if error.code not in EXISTS:
                raise
