"""Storage on this host: a volume is a sparse file, to be formatted or mounted through a loop device, or read as it is.

A machine sees its volumes as links in its folder; one that is deleted lets go of them. Snapshots are copies that share their
blocks with the volume where the file system can do that; elsewhere they are copied before the call returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, RejectedSpec
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import PLAIN_LABELS, checked_token, fingerprint
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.base.storage import BaseStorage, require_volume
from cloudlayer.providers.local import blocks
from cloudlayer.providers.local.launch import PROVIDER, REGION
from cloudlayer.providers.local.records import Records
from cloudlayer.providers.local.volumes import DATA, TYPE, SnapshotRecord, VolumeRecord, Volumes
from cloudlayer.resources import Snapshot, Volume, VolumeSpec, VolumeType
from cloudlayer.specs import Name, Spec


class _Copy(Spec):
    """What a snapshot is asked for with, so that it has a fingerprint."""

    volume: str
    name: Name | None = None
    labels: dict[str, str]


class LocalStorage(BaseStorage):
    """The volumes of this host that share a state folder."""

    poll = 0.1

    def __init__(self, capabilities: Capabilities, machines: Records, *, clock: Clock | None = None) -> None:
        super().__init__(capabilities, REGION, clock=clock)
        self.kept = Volumes(machines)
        self._machines = machines
        self._retries = Retries(clock=self.clock)

    def types(self, *, deadline: Deadline | None = None) -> Sequence[VolumeType]:
        """The one kind: a file on the disk of the state folder."""
        return [VolumeType(TYPE, "a sparse file on this host's disk", smallest=blocks.BLOCK, default=True)]

    def create(self, spec: VolumeSpec, *, token: str, deadline: Deadline | None = None) -> Volume:
        """Make a volume; CapacityError where the disk has not so much left, whatever of it is used at first."""
        token = checked_token(token)
        require_volume(spec, self.capabilities)
        _check(spec)
        volumes, digest = self.kept.volumes, fingerprint([spec])
        record = volumes.adopted(token, digest)
        if record is None:
            new = VolumeRecord(
                id=volumes.id(token),
                token=token,
                digest=digest,
                created_at=self.clock.now(),
                name=spec.name,
                labels=dict(spec.labels),
                size=blocks.whole(spec.size),
            )
            bound = self._retries.deadline(deadline)
            record = volumes.make(new, lambda folder: self._fill(folder, new, spec, bound), bound)
        return self.kept.volume(record)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """The volume as it is now."""
        return self.kept.volume(_there(self.kept.volumes.get(id), id))

    def attach(self, id: str, instance: str, *, deadline: Deadline | None = None) -> Volume:
        """Let the machine see the volume."""
        with self.kept.volumes.held(id, deadline) as found:
            record = _there(found, id)
            machine = self._machines.machine(instance)
            if machine is None or machine.state.gone:
                raise NotFound(f"there is no machine {instance} on this host", provider=PROVIDER, code="NoSuchMachine")
            holder = self.kept.machine_of(record)
            if holder is not None and holder.id != instance:
                raise Conflict(f"{id} is attached to {holder.id}: detach it first", provider=PROVIDER, code="InUse")
            record = replace(record, attached_to=instance)
            self.kept.volumes.write(record)
            with self._machines.locked():
                if self._machines.machine(instance) is not None:
                    self.kept.show(record, instance)
            return self.kept.volume(record)

    def detach(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """Let its machine see the volume no more; what has the file open keeps it open."""
        with self.kept.volumes.held(id, deadline) as found:
            record = _there(found, id)
            if record.attached_to is not None:
                self.kept.link(record, record.attached_to).unlink(missing_ok=True)
                record = replace(record, attached_to=None)
                self.kept.volumes.write(record)
            return self.kept.volume(record)

    def grow(self, id: str, size: int, *, deadline: Deadline | None = None) -> Volume:
        """Make the volume larger, attached or not. A loop device that shows it must be told, by `losetup -c`."""
        with self.kept.volumes.held(id, deadline) as found:
            record = _there(found, id)
            wanted = blocks.whole(size)
            if wanted < record.size:
                raise InvalidSpec(f"size: {id} has {record.size} bytes and cannot be made smaller: make a new volume")
            if wanted > record.size:
                self.kept.allot(self.kept.volumes.path(id) / DATA, wanted)
                record = replace(record, size=wanted)
                self.kept.volumes.write(record)
            return self.kept.volume(record)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the volume; its snapshots stay."""
        with self.kept.volumes.held(id, deadline) as record:
            if record is None:
                self.kept.volumes.forget(id)
                return
            machine = self.kept.machine_of(record)
            if machine is not None:
                raise Conflict(f"{id} is attached to {machine.id}: detach it first", provider=PROVIDER, code="InUse")
            self.kept.volumes.remove(record)

    def snapshot(
        self,
        id: str,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> Snapshot:
        """Copy the volume as it is now; TransientError if `deadline` (else 80 seconds) is not enough for the copy."""
        token = checked_token(token)
        PLAIN_LABELS.check(labels or {})
        spec = _Copy(volume=id, name=name, labels=dict(labels or {}))
        snapshots, digest = self.kept.snapshots, fingerprint([spec])
        record = snapshots.adopted(token, digest)
        if record is None:
            record = self._copied(spec, token, digest, self._retries.deadline(deadline))
        return self.kept.snapshot(record)

    def get_snapshot(self, id: str, *, deadline: Deadline | None = None) -> Snapshot:
        """The snapshot as it is now."""
        return self.kept.snapshot(self._snapshot(id))

    def snapshots(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Snapshot]:
        """Every snapshot that carries all of `labels`."""
        wanted = (labels or {}).items()
        return [self.kept.snapshot(one) for one in self.kept.snapshots.all() if wanted <= one.all_labels.items()]

    def delete_snapshot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the snapshot; what was made from it stays."""
        with self.kept.snapshots.held(id, deadline) as record:
            if record is None:
                self.kept.snapshots.forget(id)
            else:
                self.kept.snapshots.remove(record)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Volume]:
        """Every volume that carries all of `labels`."""
        wanted = (labels or {}).items()
        return [self.kept.volume(one) for one in self.kept.volumes.all() if wanted <= one.all_labels.items()]

    def _fill(self, folder: Path, record: VolumeRecord, spec: VolumeSpec, deadline: Deadline) -> None:
        deadline.check("creating a volume")
        source = self._snapshot(spec.snapshot) if spec.snapshot else None
        if source is not None and source.size > record.size:
            raise InvalidSpec(f"size: {record.size} bytes are less than the {source.size} of {source.id}: ask for more")
        self.kept.allot(folder / DATA, record.size)
        if source is not None:
            blocks.copy(self.kept.snapshots.path(source.id) / DATA, source.size, folder / DATA, deadline)
            blocks.resize(folder / DATA, record.size)

    def _copied(self, spec: _Copy, token: str, digest: str, deadline: Deadline) -> SnapshotRecord:
        volume = _there(self.kept.volumes.get(spec.volume), spec.volume)
        new = SnapshotRecord(
            id=self.kept.snapshots.id(token),
            token=token,
            digest=digest,
            created_at=self.clock.now(),
            name=spec.name,
            labels=spec.labels,
            volume=volume.id,
            size=volume.size,
        )
        data = self.kept.volumes.path(volume.id) / DATA
        return self.kept.snapshots.make(new, lambda folder: blocks.copy(data, volume.size, folder / DATA, deadline), deadline)

    def _snapshot(self, id: str) -> SnapshotRecord:
        record = self.kept.snapshots.get(id)
        if record is None:
            raise NotFound(f"there is no snapshot {id} on this host", provider=PROVIDER, code="NoSuchSnapshot")
        return record


def _there(record: VolumeRecord | None, id: str) -> VolumeRecord:
    if record is None:
        raise NotFound(f"there is no volume {id} on this host", provider=PROVIDER, code="NoSuchVolume")
    return record


def _check(spec: VolumeSpec) -> None:
    PLAIN_LABELS.check(spec.labels)
    if spec.overrides:
        raise InvalidSpec(f"overrides.{next(iter(spec.overrides))}: unknown key; known here: none")
    if spec.zone not in (None, REGION):
        raise RejectedSpec(f'there is no zone "{spec.zone}": leave it out', provider=PROVIDER, code="NoSuchZone")
    if spec.type not in (None, TYPE):
        raise RejectedSpec(
            f'there is no volume type "{spec.type}": the one here is "{TYPE}"', provider=PROVIDER, code="NoSuchType"
        )
