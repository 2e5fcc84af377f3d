"""Storage on Azure: managed disks, the snapshots of them, and shares of Azure Files.

Names follow from tokens, so that a second create finds what the first one made. A disk can be attached to machines of its own
zone alone; one that is in no zone, to machines that are in none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import TOKEN_SPENT, Conflict, InvalidSpec, NotFound
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.catalogue import Catalogue
from cloudlayer.providers.azure.creation import DISKS, SNAPSHOTS, Things
from cloudlayer.providers.azure.marks import NAME, REGIONAL, TAGS, same_spec, tags_of, zone_of
from cloudlayer.providers.azure.options import VolumeOverrides
from cloudlayer.providers.azure.places import Places
from cloudlayer.providers.azure.storage.attachments import Attachments
from cloudlayer.providers.azure.storage.shares import Shares
from cloudlayer.providers.azure.storage.snapshots import Snapshots
from cloudlayer.providers.azure.storage.volume_types import TYPES, check_size, checked_type, gibibytes
from cloudlayer.providers.azure.storage.volumes import holder_of, is_disk, read_volume, volume_document
from cloudlayer.providers.base.attempts import checked_token, fingerprint, native_name
from cloudlayer.providers.base.capabilities import missing
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.storage import BaseStorage, require_share, require_volume
from cloudlayer.resources import Share, ShareSpec, Snapshot, Volume, VolumeSpec, VolumeState, VolumeType
from cloudlayer.specs import checked
from cloudlayer.units import GIB, format_size

_LONGEST_NAME: Final = 40
_RUNNING: Final = "Attached"
"""Of a disk at a machine that has its place: one whose machine is deallocated is "Reserved"."""


class AzureStorage(BaseStorage):
    """Managed disks, snapshots and shares in one resource group and location. Their ids are their names."""

    def __init__(self, client: Client, capabilities: Capabilities, catalogue: Catalogue, places: Places, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._catalogue = catalogue
        self._disks = Things(client, DISKS)
        self._attachments = Attachments(client)
        self._snapshots = Snapshots(client)
        self._shares = Shares(client, places)

    def types(self, *, deadline: Deadline | None = None) -> Sequence[VolumeType]:
        """The kinds of disks, the default first. Their bounds come with the package; no call is made."""
        return list(TYPES.values())

    def create(self, spec: VolumeSpec, *, token: str, deadline: Deadline | None = None) -> Volume:
        """Begin to make a disk. Sizes are rounded up to a GiB, those of Ultra disks to one of theirs."""
        require_volume(spec, self.capabilities)
        TAGS.check(spec.labels)
        attempt, digest, kind = checked_token(token), fingerprint([spec]), checked_type(spec)
        overrides = checked(VolumeOverrides, spec.overrides, "overrides")
        name, bound = native_name("cld", attempt, _LONGEST_NAME), self._bound(deadline)
        found = self._disks.find(name, bound)
        if found is None:
            self._catalogue.check_zone(spec.zone, bound)
            zone = spec.zone or next(iter(self._catalogue.zones(bound)), REGIONAL)
            body = volume_document(
                *(spec, kind, overrides), zone=zone, region=self.region, source=self._source(spec, kind, bound)
            )
            body["tags"] = {**spec.labels, names.TOKEN: attempt, names.SPEC: digest, **({NAME: spec.name} if spec.name else {})}
            found = self._disks.make(name, body, bound, where=Where(self.provider, self.region, zone))
        same_spec(tags_of(found), digest, name)
        volume = read_volume(found, self.region)
        if volume.state is VolumeState.DELETING:
            message = f"the volume of token {token} is being deleted; make a new token for another"
            raise Conflict(message, provider=self.provider, code=TOKEN_SPENT)
        return volume

    def get(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """The volume as it is now; where its machine sees it takes a second call."""
        bound = self._bound(deadline)
        return self._read(self._disks.get(id, bound), bound)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Volume]:
        """Every disk that carries all of `labels`, but for those that are made and deleted with their instances."""
        bound, wanted = self._bound(deadline), dict(labels or {})
        found = [item for item in self._disks.all(bound) if not is_disk(item) and wanted.items() <= tags_of(item).items()]
        machines: dict[str, Any] = {}
        return [self._read(item, bound, machines) for item in found]

    def attach(self, id: str, instance: str, *, deadline: Deadline | None = None) -> Volume:
        """Attach the volume to a machine, or to a member of a scale set, as the first number that is free; waits for it."""
        bound = self._bound(deadline)
        found = self._disks.get(id, bound)
        machine = self._attachments.machine(instance, bound)
        holder = holder_of(found)
        if holder is not None and holder.lower() != instance.lower():
            message = f"{id} is at {holder}: detach it there first, and wait until it is available"
            raise Conflict(message, provider=self.provider, code="DiskInUse")
        if zone_of(found) != zone_of(machine):
            message = f"{id} is in zone {zone_of(found)} and {instance} in {zone_of(machine)}: use a volume of the same zone"
            raise Conflict(message, provider=self.provider, code="OtherZone")
        self._attachments.attach(instance, found["id"], bound)
        return self._read(self._disks.get(id, bound), bound)

    def detach(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """Detach the volume, and wait for it; what is mounted there should be unmounted first."""
        bound = self._bound(deadline)
        found = self._disks.get(id, bound)
        holder = holder_of(found)
        if holder is None:
            return self._read(found, bound)
        self._attachments.detach(holder, found["id"], bound)
        return self._read(self._disks.get(id, bound), bound)

    def grow(self, id: str, size: int, *, deadline: Deadline | None = None) -> Volume:
        """Begin to make the volume larger; its file system is to be grown after.

        Unsupported while its machine runs: detach it, or stop the machine, which lets it grow where it is.
        """
        bound = self._bound(deadline)
        found = self._disks.get(id, bound)
        kind = str((found.get("sku") or {}).get("name"))
        present, wanted = int(found["properties"]["diskSizeGB"]), gibibytes(kind, size)
        if size <= present * GIB:
            if wanted < present:
                raise InvalidSpec(f"size: {id} has {format_size(present * GIB)} and cannot shrink to {format_size(size)}")
            return self._read(found, bound)
        check_size(kind, size)
        if found["properties"].get("diskState") == _RUNNING:
            raise missing(self.capabilities, "volume_grow_attached")
        self._disks.change(found["name"], {"properties": {"diskSizeGB": wanted}}, bound, wait=False)
        return replace(self._read(found, bound), state=VolumeState.UPDATING)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the volume; Conflict while it is attached. Its snapshots stay."""
        bound = self._bound(deadline)
        found = self._disks.find(id, bound)
        if found is None:
            return
        if (holder := holder_of(found)) is not None:
            message = f"{id} is at {holder}: detach it first, and wait until it is available"
            raise Conflict(message, provider=self.provider, code="DiskInUse")
        with suppress(NotFound):
            self._disks.delete(id, bound)

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
        """Every snapshot that carries all of `labels`."""
        return self._snapshots.list(dict(labels or {}), self._bound(deadline))

    def delete_snapshot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the snapshot; volumes that were made from it stay."""
        self._snapshots.delete(id, self._bound(deadline))

    def create_share(self, spec: ShareSpec, *, token: str, deadline: Deadline | None = None) -> Share:
        """Make a share with a storage account of its own. An NFS share has at least 100 GiB and is mounted from one subnet."""
        require_share(spec, self.capabilities)
        TAGS.check(spec.labels)
        return self._shares.make(spec, checked_token(token), self._bound(deadline))

    def get_share(self, id: str, *, deadline: Deadline | None = None) -> Share:
        """The share as it is now.

        For SMB, `mount_command` names the file that holds the account's name and key, in lines that begin with "username=" and
        "password=": `az storage account keys list --account-name ID` tells the key, which is never asked for here.
        """
        return self._shares.get(id, self._bound(deadline))

    def shares(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Share]:
        """Every share that was made here and carries all of `labels`; others' storage accounts are not looked into."""
        return self._shares.list(dict(labels or {}), self._bound(deadline))

    def delete_share(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the share with its storage account, mounted or not."""
        self._shares.delete(id, self._bound(deadline))

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _read(self, found: Mapping[str, Any], deadline: Deadline, machines: dict[str, Any] | None = None) -> Volume:
        return read_volume(found, self.region, self._attachments.device(holder_of(found), found["id"], deadline, machines))

    def _source(self, spec: VolumeSpec, kind: VolumeType, deadline: Deadline) -> str | None:
        """The id of the spec's snapshot, which must be there and not be larger."""
        if spec.snapshot is None:
            return None
        found = Things(self._client, SNAPSHOTS).get(spec.snapshot, deadline)
        least = int(found["properties"].get("diskSizeGB") or 0)
        if gibibytes(kind.name, spec.size) < least:
            message = f"size: {format_size(spec.size)} is less than snapshot {spec.snapshot} has, {format_size(least * GIB)}"
            raise InvalidSpec(message)
        return str(found["id"])
