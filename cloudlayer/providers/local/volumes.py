"""What volumes and snapshots are on this host: sparse files, seen in the folder of the machine that they are attached to."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cloudlayer.providers.local.blocks import resize, yet_to_come
from cloudlayer.providers.local.files import disk_is_full, make_passable
from cloudlayer.providers.local.launch import PROVIDER, REGION
from cloudlayer.providers.local.records import MachineRecord, Records
from cloudlayer.providers.local.shelf import Kept, Shelf
from cloudlayer.resources import Snapshot, SnapshotState, Volume, VolumeState
from cloudlayer.units import format_size

TYPE: Final = "file"
DATA: Final = "data"
_LINKS: Final = "volumes"


@dataclass(frozen=True, kw_only=True)
class VolumeRecord(Kept):
    """One volume, `size` in bytes. A machine that it names and that is gone has it no more."""

    size: int
    attached_to: str | None = None


@dataclass(frozen=True, kw_only=True)
class SnapshotRecord(Kept):
    """One snapshot of a volume that had `size` bytes."""

    volume: str
    size: int


class Volumes:
    """The volumes and snapshots of a state folder."""

    def __init__(self, machines: Records) -> None:
        state = machines.state
        self.volumes = Shelf(state, "volumes", "vol", lambda content: VolumeRecord(**content))
        self.snapshots = Shelf(state, "snapshots", "snap", lambda content: SnapshotRecord(**content))
        self._machines = machines

    def machine_of(self, record: VolumeRecord) -> MachineRecord | None:
        """The machine that has the volume."""
        machine = self._machines.machine(record.attached_to) if record.attached_to else None
        return None if machine is None or machine.state.gone else machine

    def link(self, record: VolumeRecord, machine: str) -> Path:
        """Where a machine sees the volume."""
        return self._machines.folder(machine) / _LINKS / record.id

    def show(self, record: VolumeRecord, machine: str) -> None:
        """Let the machine see the volume."""
        link = self.link(record, machine)
        make_passable(link.parent)
        with suppress(FileExistsError):
            link.symlink_to(self.volumes.path(record.id) / DATA)

    def allot(self, data: Path, size: int) -> None:
        """Make a volume's file, or make it larger; CapacityError if the disk has not so much beside what it owes to others."""
        with self._machines.locked():
            owed = sum(map(yet_to_come, self.volumes.folder.glob(f"*/{DATA}")))
            left = max(0, shutil.disk_usage(self.volumes.folder).free - owed)
            more = size - (data.stat().st_size if data.exists() else 0)
            if more > left:
                asked = f"{format_size(left)} left for volumes, and {format_size(more)} are asked for"
                raise disk_is_full(f"this host's disk has {asked}: delete a volume or a snapshot, or ask for less")
            resize(data, size)

    def volume(self, record: VolumeRecord) -> Volume:
        """The record as a volume."""
        machine = self.machine_of(record)
        link = self.link(record, machine.id) if machine else None
        # What was killed between the record and the link is under way to whichever of the two it was.
        under_way = link is not None and not link.is_symlink()
        state = VolumeState.UPDATING if under_way else VolumeState.ATTACHED if machine else VolumeState.AVAILABLE
        return Volume(
            id=record.id,
            provider=PROVIDER,
            region=REGION,
            zone=REGION,
            state=state,
            size=record.size,
            name=record.name,
            type=TYPE,
            attached_to=machine.id if machine else None,
            device=str(link) if link else None,
            labels=record.all_labels,
            created_at=datetime.fromtimestamp(record.created_at, UTC),
            reason="attach or detach it again: that was broken off" if under_way else None,
            native=self.volumes.path(record.id) / DATA,
        )

    def snapshot(self, record: SnapshotRecord) -> Snapshot:
        """The record as a snapshot."""
        return Snapshot(
            id=record.id,
            provider=PROVIDER,
            region=REGION,
            state=SnapshotState.READY,
            volume=record.volume,
            size=record.size,
            name=record.name,
            labels=record.all_labels,
            created_at=datetime.fromtimestamp(record.created_at, UTC),
            native=self.snapshots.path(record.id) / DATA,
        )
