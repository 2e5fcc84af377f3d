"""Storage on Persistent Disk and Hyperdisk.

A disk's name follows from its token, so that a second create finds what the first one made. A call returns when its operation
has ended: only then does Google tell of a lack of quota.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudlayer.errors import Conflict, InvalidSpec, NotFound
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import checked_token, fingerprint, native_name
from cloudlayer.providers.base.patience import insist
from cloudlayer.providers.base.storage import BaseStorage, require_volume
from cloudlayer.providers.base.turns import Turns
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.codes import EXISTS, NOT_READY
from cloudlayer.providers.gcp.compute.instances import split_id
from cloudlayer.providers.gcp.marks import LIMITS, LONGEST_NAME, label_filter, marked, same_spec
from cloudlayer.providers.gcp.options import VolumeOverrides
from cloudlayer.providers.gcp.places import Places
from cloudlayer.providers.gcp.storage.disk_types import DEFAULT, check_speeds, read_types, rounded
from cloudlayer.providers.gcp.storage.disks import place_of, read_snapshot, read_volume, token_of
from cloudlayer.providers.gcp.storage.snapshots import Snapshots
from cloudlayer.resources import Snapshot, SnapshotState, Volume, VolumeSpec, VolumeState, VolumeType
from cloudlayer.specs import checked
from cloudlayer.units import GIB, MIB, format_size

_DEVICES = "/dev/disk/by-id/google-"


class GcpStorage(BaseStorage):
    """Zonal disks and their snapshots in one region."""

    def __init__(self, client: Client, capabilities: Capabilities, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._places = Places(client)
        self._snapshots = Snapshots(client, clock)
        self._turns = Turns()

    def types(self, *, deadline: Deadline | None = None) -> Sequence[VolumeType]:
        """The kinds of disks that a zone of the region has, with their bounds; their speeds as Google documents them."""
        return read_types(self._client.everywhere("disk_types", deadline=self._bound(deadline)))

    def create(self, spec: VolumeSpec, *, token: str, deadline: Deadline | None = None) -> Volume:
        """Make a volume; idempotent by token. A size is rounded up to whole GiB, and to the least that its type has."""
        require_volume(spec, self.capabilities)
        LIMITS.check(spec.labels)
        overrides = checked(VolumeOverrides, spec.overrides, "overrides")
        token, digest, bound = checked_token(token), fingerprint([spec]), self._bound(deadline)
        kind = spec.type or DEFAULT
        check_speeds(kind, spec)
        name, size = native_name(spec.name, token, LONGEST_NAME), rounded(kind, spec.size)
        with self._turns.take(token, bound):
            found = self._earlier(name, bound)
            if found is None:
                self._check_source(spec, size, bound)
                wanted = self._wanted(spec, kind, size, overrides)
                labels = marked(spec.labels, spec.name, token, digest)
                found = self._make({"name": name, "labels": labels, **wanted}, spec, bound)
        same_spec(found.labels, digest, place_of(found.self_link))
        volume = self._read(found, bound)
        if volume.state is VolumeState.DELETING:
            raise self._conflict("Deleting", f"{volume.id} is being deleted: another one needs a new token")
        return volume

    def get(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """The volume as it is now; NotFound if it is not there."""
        bound = self._bound(deadline)
        return self._read(self._found(id, bound), bound)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Volume]:
        """Every zonal disk of the region that carries all of `labels`, but for those that are deleted with their instances."""
        bound = self._bound(deadline)
        listed = self._client.everywhere("disks", filter=label_filter(labels), deadline=bound)
        found = [disk for disk in listed if disk.zone]
        holders: dict[str, Any] = {}
        if any(disk.users for disk in found):
            instances = self._client.everywhere("instances", deadline=bound)
            holders = {place_of(instance.self_link): instance for instance in instances}
        own = [disk for disk in found if not any(_goes_with(holders.get(place_of(url)), disk) for url in disk.users)]
        return [read_volume(disk, self.region, lambda holder, disk: _device(holders.get(holder), disk)) for disk in own]

    def attach(self, id: str, instance: str, *, deadline: Deadline | None = None) -> Volume:
        """Attach the volume to an instance of its zone; no error if it is attached there already."""
        bound = self._bound(deadline)
        disk = self._found(id, bound)
        zone, name = split_id(instance)
        self._client.call("instances", "get", zone=zone, instance=name, deadline=bound)
        holders = [place_of(url) for url in disk.users]
        if holders and instance not in holders:
            raise self._conflict("Attached", f"{id} is attached to {holders[0]}: detach it first")
        if zone != split_id(id)[0]:
            message = f"{id} and {instance} are in different zones: make a snapshot, and from it a volume in zone {zone}"
            raise self._conflict("OtherZone", message)
        if not holders:
            wanted = {"source": disk.self_link, "device_name": disk.name, "mode": "READ_WRITE", "auto_delete": False}
            self._change("instances", "attach_disk", bound, zone=zone, instance=name, attached_disk_resource=wanted)
        return self.get(id, deadline=bound)

    def detach(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """Detach the volume from whichever instance has it; one that is attached nowhere is no error."""
        bound = self._bound(deadline)
        disk = self._found(id, bound)
        for holder in (place_of(url) for url in disk.users):
            entry = _entry(self._instance(holder, bound), disk)
            if entry is not None:
                zone, name = split_id(holder)
                device = {"device_name": entry.device_name}
                self._change("instances", "detach_disk", bound, zone=zone, instance=name, **device)
        return self.get(id, deadline=bound)

    def grow(self, id: str, size: int, *, deadline: Deadline | None = None) -> Volume:
        """Make the volume `size` bytes large, rounded up to GiB, attached or not."""
        bound = self._bound(deadline)
        volume = self.get(id, deadline=bound)
        wanted = rounded(volume.type or "", size)
        if size < volume.size and wanted * GIB <= volume.size:
            raise InvalidSpec(f"size: {id} has {format_size(volume.size)}, and disks do not shrink: ask for that or more")
        if wanted * GIB == volume.size:
            return volume
        zone, name = split_id(id)
        self._change("disks", "resize", bound, zone=zone, disk=name, disks_resize_request_resource={"size_gb": wanted})
        return self.get(id, deadline=bound)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the volume; Conflict while it is attached. Its snapshots stay."""
        bound = self._bound(deadline)

        def attempt() -> None:
            try:
                disk = self._found(id, bound)
            except NotFound:
                return
            if disk.users:
                raise self._conflict("Attached", f"{id} is attached to {place_of(disk.users[0])}: detach it first")
            if disk.status != "DELETING":
                zone, name = split_id(id)
                self._client.remove("disks", zone=zone, disk=name, wait=True, deadline=bound)

        insist(attempt, NOT_READY, self.clock, bound, f"deleting {id}")

    def snapshot(
        self,
        id: str,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> Snapshot:
        """Copy the volume as it is now, attached or not; idempotent by token."""
        LIMITS.check(labels or {})
        token, bound = checked_token(token), self._bound(deadline)
        with self._turns.take(token, bound):
            return self._snapshots.make(self._found(id, bound), token, name, dict(labels or {}), bound)

    def get_snapshot(self, id: str, *, deadline: Deadline | None = None) -> Snapshot:
        """The snapshot as it is now, of whichever region; NotFound if it is not there."""
        return read_snapshot(self._snapshots.found(id, self._bound(deadline)), self.region)

    def snapshots(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Snapshot]:
        """Every snapshot of a disk of this region that carries all of `labels`."""
        return self._snapshots.list(labels or {}, self._bound(deadline))

    def delete_snapshot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete a snapshot; one that is not there is no error."""
        self._snapshots.delete(id, self._bound(deadline))

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _found(self, id: str, deadline: Deadline) -> Any:
        zone, name = split_id(id)
        return self._client.call("disks", "get", zone=zone, disk=name, deadline=deadline)

    def _earlier(self, name: str, deadline: Deadline) -> Any:
        """The disk of the same token in whichever zone, whatever it was called then; None if there is none."""
        wanted = f"name eq .*-{token_of(name)}"
        return next(self._client.everywhere("disks", filter=wanted, deadline=deadline), None)

    def _instance(self, id: str, deadline: Deadline) -> Any:
        """Compute Engine's description of an instance; None if it is not there."""
        zone, name = split_id(id)
        try:
            return self._client.call("instances", "get", zone=zone, instance=name, deadline=deadline)
        except NotFound:
            return None

    def _read(self, found: Any, deadline: Deadline) -> Volume:
        return read_volume(found, self.region, lambda holder, disk: _device(self._instance(holder, deadline), disk))

    def _check_source(self, spec: VolumeSpec, size: int, deadline: Deadline) -> None:
        """Raise for a snapshot that is not there or not ready, and for a size that is less than its own."""
        if spec.snapshot is None:
            return
        source = self.get_snapshot(spec.snapshot, deadline=deadline)
        if size * GIB < source.size:
            raise InvalidSpec(f"size: less than the {format_size(source.size)} of {source.id}: ask for that or more")
        if source.state is not SnapshotState.READY:
            raise self._conflict("NotReady", f"{source.id} is {source.state}: wait until it is ready")

    def _wanted(self, spec: VolumeSpec, kind: str, size: int, overrides: VolumeOverrides) -> dict[str, Any]:
        """The fields of a disk, but for its name, its labels and what depends on its zone."""
        wanted: dict[str, Any] = {"size_gb": size, "type_": kind}
        if spec.snapshot is not None:
            wanted["source_snapshot"] = self._client.link("snapshots", spec.snapshot)
        if spec.iops is not None:
            wanted["provisioned_iops"] = spec.iops
        if spec.throughput is not None:
            wanted["provisioned_throughput"] = -(-spec.throughput // MIB)
        if overrides.kms_key is not None:
            wanted["disk_encryption_key"] = {"kms_key_name": overrides.kms_key}
        return wanted

    def _make(self, wanted: dict[str, Any], spec: VolumeSpec, deadline: Deadline) -> Any:
        """The disk, made by this call or by another under the same token."""
        zone = spec.zone or self._places.zones(deadline)[0]
        kind = wanted["type_"]
        disk = {**wanted, "type_": self._client.link("diskTypes", kind, zone=zone)}
        try:
            self._client.run("disks", "insert", zone=zone, disk_resource=disk, deadline=deadline)
        except Conflict as error:
            if error.code not in EXISTS:
                raise
        except (NotFound, InvalidSpec):
            self._check_type(kind, deadline)
            raise
        return self._client.call("disks", "get", zone=zone, disk=wanted["name"], deadline=deadline)

    def _check_type(self, kind: str, deadline: Deadline) -> None:
        """Raise InvalidSpec where it is the disk's type that is not there."""
        known = [each.name for each in self.types(deadline=deadline)]
        if kind not in known:
            raise InvalidSpec(f'type: "{kind}" is not to be had in {self.region}: use one of {", ".join(known)}') from None

    def _change(self, service: str, method: str, deadline: Deadline, **fields: Any) -> None:
        """One change, asked for again while an earlier one is under way."""
        call: Callable[[], Any] = lambda: self._client.run(service, method, deadline=deadline, **fields)  # noqa: E731
        insist(call, NOT_READY, self.clock, deadline, f"calling {service}.{method}")

    def _conflict(self, code: str, message: str) -> Conflict:
        return Conflict(message, provider=self.provider, code=code)


def _entry(instance: Any, disk: Any) -> Any:
    """How an instance has a disk; None if it has not, or is gone."""
    if instance is None:
        return None
    return next((entry for entry in instance.disks if place_of(entry.source) == place_of(disk.self_link)), None)


def _device(instance: Any, disk: Any) -> str | None:
    entry = _entry(instance, disk)
    return f"{_DEVICES}{entry.device_name}" if entry is not None else None


def _goes_with(instance: Any, disk: Any) -> bool:
    """Whether a disk is deleted with the instance that has it."""
    entry = _entry(instance, disk)
    return entry is not None and bool(entry.auto_delete)
