"""Volumes of this host: what is written stays, copies are of one moment, and no more is promised than the disk has."""

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path
from uuid import uuid4

import pytest

from cloudlayer.errors import AvoidScope, CapacityError, Conflict, RejectedSpec, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.local import blocks
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.provider import LocalProvider
from cloudlayer.resources import InstanceSpec, VolumeSpec, VolumeState
from cloudlayer.units import GIB, MIB

HOST = HostFigures(millicores=8000, memory=32 * GIB, disk=64 * GIB)
SMALL = VolumeSpec(size=MIB)


def token():
    return str(uuid4())


@pytest.fixture
def provider(tmp_path):
    return LocalProvider(tmp_path / "state", lambda: HOST)


@pytest.fixture
def storage(provider):
    return provider.storage


@pytest.fixture
def machine(provider):
    return provider.compute.create(InstanceSpec(machine_type="eighth"), token=token()).id


def write(volume, content, at=0):
    with Path(volume.device or volume.native).open("r+b") as file:
        file.seek(at)
        file.write(content)


def read(volume, size, at=0):
    with Path(volume.device or volume.native).open("rb") as file:
        file.seek(at)
        return file.read(size)


def things_in(storage, kind="volumes"):
    folder = storage.kept.volumes.folder.parent / kind
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_what_a_machine_writes_another_reads_once_it_has_the_volume(provider, storage, machine):
    volume = storage.create(SMALL, token=token())
    write(storage.attach(volume.id, machine), b"kept")
    storage.detach(volume.id)
    other = provider.compute.create(InstanceSpec(machine_type="eighth"), token=token()).id
    attached = storage.attach(volume.id, other)
    assert read(attached, 4) == b"kept"
    assert attached.device.startswith(str(provider.compute.records.folder(other)))


def test_a_volume_takes_of_the_disk_what_is_written(storage):
    volume = storage.create(VolumeSpec(size=GIB), token=token())
    assert (Path(volume.native).stat().st_size, Path(volume.native).stat().st_blocks) == (GIB, 0)
    write(volume, b"x" * MIB, at=512 * MIB)
    copied = storage.snapshot(volume.id, token=token())
    copied_volume = storage.create(VolumeSpec(size=2 * GIB, snapshot=copied.id), token=token())
    assert read(copied_volume, 1, 512 * MIB) == b"x"
    assert copied_volume.size == Path(copied_volume.native).stat().st_size == 2 * GIB
    assert Path(copied_volume.native).stat().st_blocks * 512 < 4 * MIB


def test_a_snapshot_is_of_its_moment(storage):
    volume = storage.create(SMALL, token=token())
    write(volume, b"before")
    snapshot = storage.snapshot(volume.id, token=token())
    write(volume, b"after!")
    assert read(storage.create(VolumeSpec(size=MIB, snapshot=snapshot.id), token=token()), 6) == b"before"


def test_growing_keeps_what_is_there(storage, machine):
    volume = storage.create(SMALL, token=token())
    write(storage.attach(volume.id, machine), b"kept")
    grown = storage.grow(volume.id, 2 * MIB)
    assert (grown.size, grown.state, read(grown, 4)) == (2 * MIB, VolumeState.ATTACHED, b"kept")


def test_growing_again_to_what_was_rounded_up_is_no_error(storage):
    volume = storage.create(VolumeSpec(size=5000), token=token())
    assert volume.size == 8192
    assert [storage.grow(volume.id, 10_000).size for _ in range(2)] == [12_288, 12_288]


def test_a_deleted_machine_lets_go_of_its_volumes(provider, storage, machine):
    volume = storage.create(SMALL, token=token())
    write(storage.attach(volume.id, machine), b"kept")
    provider.compute.delete([machine])
    found = storage.get(volume.id)
    assert (found.state, found.attached_to, read(found, 4)) == (VolumeState.AVAILABLE, None, b"kept")
    storage.delete(volume.id)
    assert things_in(storage) == []


@pytest.fixture
def disk_of_3_mib(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(64 * MIB, 61 * MIB, 3 * MIB))


@pytest.mark.usefixtures("disk_of_3_mib")
def test_no_more_is_promised_than_the_disk_has(storage):
    first = storage.create(VolumeSpec(size=2 * MIB), token=token())
    again = token()
    with pytest.raises(CapacityError) as caught:
        storage.create(VolumeSpec(size=2 * MIB), token=again)
    assert (caught.value.scope, caught.value.avoid.seconds > 0) == (AvoidScope.REGION, True)
    with pytest.raises(CapacityError):
        storage.grow(first.id, 4 * MIB)
    assert storage.get(first.id).size == 2 * MIB
    storage.grow(first.id, 3 * MIB)
    assert things_in(storage) == [first.id]
    storage.delete(first.id)
    assert storage.create(VolumeSpec(size=2 * MIB), token=again).size == 2 * MIB


def test_a_disk_that_is_full_in_the_middle_of_a_copy_is_a_lack_of_capacity(storage, monkeypatch):
    volume = storage.create(SMALL, token=token())
    write(volume, b"something to copy")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "copy_file_range", full)
    monkeypatch.setattr(blocks, "_shared", lambda *_: False)
    with pytest.raises(CapacityError, match="full"):
        storage.snapshot(volume.id, token=token())
    assert things_in(storage, "snapshots") == []


def test_a_copy_whose_time_is_up_leaves_nothing_and_can_be_asked_for_again(storage, monkeypatch):
    monkeypatch.setattr(blocks, "_shared", lambda *_: False)
    volume = storage.create(SMALL, token=token())
    write(volume, b"something to copy")
    again = token()
    with pytest.raises(TransientError, match="copying"):
        storage.snapshot(volume.id, token=again, deadline=Deadline.after(0))
    assert things_in(storage, "snapshots") == []
    assert storage.snapshot(volume.id, token=again).volume == volume.id


def test_an_attachment_that_was_broken_off_is_under_way_until_it_is_asked_for_again(storage, machine):
    volume = storage.create(SMALL, token=token())
    Path(storage.attach(volume.id, machine).device).unlink()
    assert storage.get(volume.id).state is VolumeState.UPDATING
    with pytest.raises(Conflict):
        storage.delete(volume.id)
    assert storage.attach(volume.id, machine).state is VolumeState.ATTACHED


def test_what_is_stored_is_for_its_owner_alone(storage):
    volume = storage.create(SMALL, token=token())
    snapshot = storage.snapshot(volume.id, token=token())
    assert {oct(Path(one.native).stat().st_mode & 0o777) for one in (volume, snapshot)} == {"0o600"}


@pytest.mark.parametrize("field", [{"zone": "there"}, {"type": "fast"}])
def test_a_zone_or_type_that_is_not_there_is_rejected(storage, field):
    with pytest.raises(RejectedSpec, match=next(iter(field))):
        storage.create(VolumeSpec(size=MIB, **field), token=token())


def test_speeds_cannot_be_asked_for(storage):
    with pytest.raises(Unsupported, match="disk"):
        storage.create(VolumeSpec(size=MIB, iops=100), token=token())


def test_a_call_that_finds_another_at_the_volume_ends_with_its_deadline(storage, machine):
    volume = storage.create(SMALL, token=token())
    with storage.kept.volumes.held(volume.id):
        with pytest.raises(TransientError, match=volume.id):
            storage.attach(volume.id, machine, deadline=Deadline.after(0.1))
        assert storage.get(volume.id).state is VolumeState.AVAILABLE
    assert storage.attach(volume.id, machine).state is VolumeState.ATTACHED
