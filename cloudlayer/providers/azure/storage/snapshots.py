"""Snapshots of managed disks: incremental ones, which hold what changed since the last, and outlive their disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudlayer import labels as names
from cloudlayer.errors import TOKEN_SPENT, Conflict
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.creation import DISKS, SNAPSHOTS, Things
from cloudlayer.providers.azure.marks import NAME, same_spec, tags_of
from cloudlayer.providers.azure.storage.volumes import read_snapshot
from cloudlayer.providers.base.attempts import fingerprint, native_name
from cloudlayer.resources import Snapshot, SnapshotState
from cloudlayer.specs import Spec

_LONGEST_NAME = 40


class _Copy(Spec):
    """All that is asked for with a snapshot, for its fingerprint."""

    volume: str
    name: str | None
    labels: dict[str, str]


class Snapshots:
    """The snapshots in one resource group and location."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._disks = Things(client, DISKS)
        self._copies = Things(client, SNAPSHOTS)

    def make(self, volume: str, token: str, name: str | None, labels: dict[str, str], deadline: Deadline) -> Snapshot:
        """The snapshot of this token, begun if there is none yet; NotFound if the volume is not there."""
        digest = fingerprint([_Copy(volume=volume, name=name, labels=labels)])
        tags = {**labels, names.TOKEN: token, names.SPEC: digest, **({NAME: name} if name else {})}
        native = native_name("clp", token, _LONGEST_NAME)
        found = self._copies.find(native, deadline)
        if found is None:
            source = self._disks.get(volume, deadline)
            body = {
                "location": self._client.region,
                "sku": {"name": "Standard_LRS"},
                "tags": tags,
                "properties": {
                    "creationData": {"createOption": "Copy", "sourceResourceId": source["id"]},
                    "incremental": True,
                },
            }
            found = self._copies.make(native, body, deadline)
        same_spec(tags_of(found), digest, native)
        copy = read_snapshot(found, self._client.region)
        if copy.state is SnapshotState.DELETING:
            raise Conflict(f"the snapshot of token {token} is deleted; make a new token", provider="azure", code=TOKEN_SPENT)
        return copy

    def get(self, id: str, deadline: Deadline) -> Snapshot:
        """The snapshot as it is now; NotFound if it is not there."""
        return read_snapshot(self._copies.get(id, deadline), self._client.region)

    def list(self, labels: Mapping[str, str], deadline: Deadline) -> Sequence[Snapshot]:
        """Every snapshot that carries all of `labels`."""
        found = [read_snapshot(item, self._client.region) for item in self._copies.all(deadline)]
        return [snapshot for snapshot in found if labels.items() <= snapshot.labels.items()]

    def delete(self, id: str, deadline: Deadline) -> None:
        """Begin to delete the snapshot; one that is not there is no error."""
        self._copies.delete(id, deadline)
