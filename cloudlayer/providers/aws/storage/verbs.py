"""Storage on EBS: volumes, and the snapshots of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import TOKEN_SPENT, CloudError, Conflict, InvalidSpec, NotFound
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.aws.client import Client, Filters, filters
from cloudlayer.providers.aws.options import VolumeOverrides
from cloudlayer.providers.aws.storage.devices import Devices
from cloudlayer.providers.aws.storage.snapshots import Snapshots
from cloudlayer.providers.aws.storage.volume_types import KINDS, check_size, checked_kind, gibibytes
from cloudlayer.providers.aws.storage.volumes import attachment_of, check_id, is_disk, read_volume, volume_parameters
from cloudlayer.providers.aws.tags import TAGS, tag_filters
from cloudlayer.providers.base.attempts import adopted, checked_token, fingerprint
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.storage import BaseStorage, require_volume
from cloudlayer.resources import Snapshot, Volume, VolumeSpec, VolumeState, VolumeType
from cloudlayer.specs import checked
from cloudlayer.units import GIB, format_size

_ENDED: Final = (VolumeState.DELETING, VolumeState.DELETED)


class EbsStorage(BaseStorage):
    """Volumes of EBS in one region, and the account's own snapshots."""

    settle = 20.0

    def __init__(self, client: Client, capabilities: Capabilities, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._devices = Devices(client)
        self._snapshots = Snapshots(client)
        self._first_zone: str | None = None

    def types(self, *, deadline: Deadline | None = None) -> list[VolumeType]:
        """The kinds of volumes, the default first. Their bounds come with the package; no call is made."""
        return [kind.type for kind in KINDS.values()]

    def create(self, spec: VolumeSpec, *, token: str, deadline: Deadline | None = None) -> Volume:
        """Begin to make a volume, encrypted if `overrides` or the account's settings say so.

        EC2's client token makes it idempotent, and so do the tags where that has run out. Sizes are rounded up to a GiB.
        """
        require_volume(spec, self.capabilities)
        TAGS.check(spec.labels)
        attempt, digest, kind = checked_token(token), fingerprint([spec]), checked_kind(spec)
        overrides = checked(VolumeOverrides, spec.overrides, "overrides")
        bound = self._bound(deadline)
        earlier = adopted(self._listed({names.TOKEN: attempt}, bound), digest, provider=self.provider)
        if earlier is not None:
            return self._still_there(earlier, token)
        zone = spec.zone or self._zone(bound)
        wanted = volume_parameters(spec, kind, overrides, token=attempt, digest=digest, zone=zone)
        where = Where(self.provider, self.region, zone)
        answer = self._client.call("create_volume", where=where, deadline=bound, **wanted)
        return read_volume(answer, self.region)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """The volume as it is now, by two calls: EC2 tells apart that it grows."""
        bound = self._bound(deadline)
        check_id("vol", id)
        growing = self._growing(bound, volume_id=id)  # before the size: once nothing grows any more, the size is the new one
        return read_volume(self._described(id, bound), self.region, growing=id in growing)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Volume]:
        """Every volume that carries all of `labels`, but for the disks that are made and deleted with their instances."""
        return [*self._listed(dict(labels or {}), self._bound(deadline))]

    def attach(self, id: str, instance: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to attach the volume, as the first device that is free; Conflict too while the instance is pending."""
        bound = self._bound(deadline)
        found = self._described(id, bound)
        if self._holder(found, instance) != instance:
            try:
                answer = self._devices.attach(id, instance, bound)
            except Conflict:
                found = self._described(id, bound)  # an answer was lost, or another caller was first
                if attachment_of(found).get("InstanceId") != instance:
                    raise
            else:
                found = {**found, "State": "in-use", "Attachments": [answer]}
        return read_volume(found, self.region)

    def detach(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to detach the volume; what is mounted there should be unmounted first."""
        bound = self._bound(deadline)
        found = self._described(id, bound)
        attachment = attachment_of(found)
        if attachment.get("State") in ("attached", "attaching", "busy"):
            try:
                answer = self._client.call("detach_volume", VolumeId=id, InstanceId=attachment["InstanceId"], deadline=bound)
            except Conflict:
                found = self._described(id, bound)
                if attachment_of(found).get("State") not in (None, "detaching"):
                    raise
            else:
                found = {**found, "Attachments": [{**attachment, "State": answer.get("State", "detaching")}]}
        return read_volume(found, self.region)

    def grow(self, id: str, size: int, *, deadline: Deadline | None = None) -> Volume:
        """Begin to make the volume larger, attached or not; its file system is to be grown after.

        EBS changes a volume four times in a day, each once the last is complete, which takes hours: Conflict until then.
        """
        bound = self._bound(deadline)
        found = self._described(id, bound)
        now, wanted = int(found["Size"]), gibibytes(size)
        if wanted < now:
            raise InvalidSpec(f"size: {id} has {format_size(now * GIB)} and cannot shrink to {format_size(size)}")
        if wanted == now:
            return read_volume(found, self.region, growing=id in self._growing(bound, volume_id=id))
        check_size(found.get("VolumeType", ""), size)
        try:
            self._client.call("modify_volume", VolumeId=id, Size=wanted, deadline=bound)
        except Conflict:  # perhaps an answer was lost, and this is what is under way or done
            size_there = self._growing(bound, volume_id=id).get(id) or int(self._described(id, bound)["Size"])
            if size_there != wanted:
                raise
        return replace(read_volume(found, self.region), state=VolumeState.UPDATING)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the volume; Conflict while it is attached. Its snapshots stay."""
        bound = self._bound(deadline)
        try:
            with suppress(NotFound):
                check_id("vol", id)
                self._client.call("delete_volume", VolumeId=id, deadline=bound)
        except Conflict:
            if not self._ended(id, bound):
                raise

    def snapshot(
        self,
        id: str,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> Snapshot:
        """Begin to copy the volume as it is now; what its machine has not written out yet is not in it."""
        given = dict(labels or {})
        TAGS.check(given)
        return self._snapshots.make(id, checked_token(token), name, given, self._bound(deadline))

    def get_snapshot(self, id: str, *, deadline: Deadline | None = None) -> Snapshot:
        """The snapshot as it is now."""
        return self._snapshots.get(id, self._bound(deadline))

    def snapshots(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Snapshot]:
        """Every snapshot that this account owns and that carries all of `labels`."""
        return self._snapshots.list(dict(labels or {}), self._bound(deadline))

    def delete_snapshot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the snapshot; Conflict while an image is made of it."""
        self._snapshots.delete(id, self._bound(deadline))

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _described(self, id: str, deadline: Deadline) -> dict[str, Any]:
        check_id("vol", id)
        answer = self._client.call("describe_volumes", VolumeIds=[id], deadline=deadline)
        for found in answer["Volumes"]:
            return dict(found)
        raise NotFound(f"volume {id} is not there", provider=self.provider, code="InvalidVolume.NotFound")

    def _listed(self, labels: dict[str, str], deadline: Deadline) -> Sequence[Volume]:
        growing: Collection[str] = self._growing(deadline)
        wanted: Filters = tag_filters(labels)
        pages = self._client.pages("describe_volumes", "Volumes", Filters=wanted, deadline=deadline)
        found = [item for item in pages if not is_disk(item)]
        volumes = [read_volume(item, self.region, growing=item["VolumeId"] in growing) for item in found]
        return [volume for volume in volumes if labels.items() <= volume.labels.items()]

    def _growing(self, deadline: Deadline, **wanted: str) -> dict[str, int]:
        """The sizes in GiB that volumes are growing to, by their ids. Once EBS only optimizes, the size is there."""
        states = filters(modification_state="modifying", **wanted)
        pages = self._client.pages(
            "describe_volumes_modifications", "VolumesModifications", page=500, Filters=states, deadline=deadline
        )
        return {found["VolumeId"]: int(found.get("TargetSize") or 0) for found in pages}

    def _holder(self, found: Mapping[str, Any], instance: str) -> str | None:
        """Whose the volume is; Conflict if that is another instance, or this one that it is leaving."""
        attachment = attachment_of(found)
        holder, state = attachment.get("InstanceId"), attachment.get("State")
        if holder is None or (holder == instance and state != "detaching"):
            return holder
        message = f"{found['VolumeId']} is {state} at {holder}: detach it there first, and wait until it is available"
        raise Conflict(message, provider=self.provider, code="VolumeInUse")

    def _zone(self, deadline: Deadline) -> str:
        """The region's first zone that is open to this account."""
        if self._first_zone is None:
            wanted = filters(state="available", zone_type="availability-zone")
            answer = self._client.call("describe_availability_zones", Filters=wanted, deadline=deadline)
            zones = sorted(found["ZoneName"] for found in answer["AvailabilityZones"])
            if not zones:
                raise InvalidSpec(f"zone: {self.region} has none that is open to this account; name one, or use another region")
            self._first_zone = zones[0]
        return self._first_zone

    def _still_there(self, volume: Volume, token: str) -> Volume:
        if volume.state in _ENDED:
            message = f"the volume of token {token} is {volume.state}; make a new token for another"
            raise Conflict(message, provider=self.provider, code=TOKEN_SPENT)
        return volume

    def _ended(self, id: str, deadline: Deadline) -> bool:
        try:
            return read_volume(self._described(id, deadline), self.region).state in _ENDED
        except NotFound:
            return True
        except CloudError:
            return False
