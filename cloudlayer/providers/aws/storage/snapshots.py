"""Snapshots of EBS volumes. EC2 takes no token for them: each try looks for what an earlier one made, by its tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from cloudlayer import labels as names
from cloudlayer.errors import TOKEN_SPENT, Conflict, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.storage.volumes import check_id, read_snapshot, tag_specification
from cloudlayer.providers.aws.tags import tag_filters
from cloudlayer.providers.base.attempts import adopted, fingerprint
from cloudlayer.resources import Snapshot, SnapshotState
from cloudlayer.specs import Spec

_OURS: Sequence[str] = ("self",)
"""Without it, EC2 lists the whole world's public snapshots."""


class _Copy(Spec):
    """All that is asked for with a snapshot, for its fingerprint."""

    volume: str
    name: str | None
    labels: dict[str, str]


class Snapshots:
    """The account's own snapshots in one region."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def make(self, volume: str, token: str, name: str | None, labels: dict[str, str], deadline: Deadline) -> Snapshot:
        """The snapshot of this token, begun if there is none yet.

        A try whose answer is lost is followed by another look, never by a blind second try. Where EC2's lists lag behind so far
        that two are made, the next call with the token deletes the younger.
        """
        check_id("vol", volume)
        digest = fingerprint([_Copy(volume=volume, name=name, labels=labels)])
        tags = tag_specification("snapshot", name, labels, token, digest)

        def attempt() -> Snapshot:
            earlier = self._earlier(token, digest, deadline)
            if earlier is not None:
                return earlier
            answer = self._client.call(
                "create_snapshot", retried=False, VolumeId=volume, TagSpecifications=tags, deadline=deadline
            )
            return read_snapshot(answer, self._client.region)

        return self._client.retries.run(attempt, doing=f"copying {volume}", deadline=deadline)

    def get(self, id: str, deadline: Deadline) -> Snapshot:
        """The snapshot as it is now."""
        check_id("snap", id)
        answer = self._client.call("describe_snapshots", SnapshotIds=[id], deadline=deadline)
        for found in answer["Snapshots"]:
            return read_snapshot(found, self._client.region)
        raise NotFound(f"snapshot {id} is not there", provider="aws", code="InvalidSnapshot.NotFound")

    def delete(self, id: str, deadline: Deadline) -> None:
        """Delete the snapshot; one that is not there is no error."""
        with suppress(NotFound):
            check_id("snap", id)
            self._client.call("delete_snapshot", SnapshotId=id, deadline=deadline)

    def list(self, labels: Mapping[str, str], deadline: Deadline) -> Sequence[Snapshot]:
        """Every snapshot of the account that carries all of `labels`."""
        pages = self._client.pages(
            "describe_snapshots", "Snapshots", OwnerIds=_OURS, Filters=tag_filters(labels), deadline=deadline
        )
        found = [read_snapshot(item, self._client.region) for item in pages]
        return [snapshot for snapshot in found if labels.items() <= snapshot.labels.items()]

    def _earlier(self, token: str, digest: str, deadline: Deadline) -> Snapshot | None:
        """What earlier tries made: the oldest, its twins deleted."""
        found = self.list({names.TOKEN: token}, deadline)
        kept = adopted(found, digest, provider="aws")
        for twin in found:
            if kept is not None and twin.id != kept.id and twin.labels.get(names.SPEC) == digest:
                self.delete(twin.id, deadline)
        if kept is not None and kept.state is SnapshotState.DELETED:
            raise Conflict(f"the snapshot of token {token} is deleted; make a new token", provider="aws", code=TOKEN_SPENT)
        return kept
