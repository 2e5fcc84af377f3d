"""Snapshots are incremental, of their volume's size, and one for a token."""

from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict
from cloudlayer.resources import VolumeSpec
from cloudlayer.units import GIB


@pytest.fixture
def storage(cloud):
    return cloud.storage


@pytest.fixture
def volume(storage):
    made = storage.create(VolumeSpec(name="data", size=2 * GIB), token=str(uuid4()))
    return storage.wait(made, "available", timeout=300)


def test_a_snapshot_holds_what_changed_since_the_last(arm, storage, volume):
    storage.snapshot(volume.id, token=str(uuid4()), name="copy")
    (found,) = arm.things("snapshots")
    assert found["properties"]["incremental"] is True
    assert found["properties"]["creationData"]["sourceResourceId"].endswith(f"/disks/{volume.id}")


def test_a_snapshot_tells_its_volume_after_that_is_gone(storage, volume):
    copy = storage.wait_snapshot(storage.snapshot(volume.id, token=str(uuid4())), "ready", timeout=300)
    storage.delete(volume.id)
    storage.wait(volume, "deleted", timeout=300)
    assert (storage.get_snapshot(copy.id).volume, copy.size) == (volume.id, 2 * GIB)


def test_the_snapshot_of_a_token_is_found_when_its_volume_is_gone(storage, volume):
    token = str(uuid4())
    copy = storage.wait_snapshot(storage.snapshot(volume.id, token=token), "ready", timeout=300)
    storage.delete(volume.id)
    storage.wait(volume, "deleted", timeout=300)
    assert storage.snapshot(volume.id, token=token).id == copy.id


def test_the_token_of_a_snapshot_that_is_being_deleted_is_used_up(arm, storage, volume):
    token = str(uuid4())
    copy = storage.wait_snapshot(storage.snapshot(volume.id, token=token), "ready", timeout=300)
    arm.options.delay = 5.0
    storage.delete_snapshot(copy.id)
    with pytest.raises(Conflict, match="new token"):
        storage.snapshot(volume.id, token=token)


def test_a_volume_from_a_snapshot_is_of_the_type_that_is_asked_for(storage, volume):
    copy = storage.wait_snapshot(storage.snapshot(volume.id, token=str(uuid4())), "ready", timeout=300)
    spec = VolumeSpec(name="again", size=2 * GIB, snapshot=copy.id, type="Premium_LRS", zone="2")
    again = storage.wait(storage.create(spec, token=str(uuid4())), "available", timeout=300)
    assert (again.type, again.zone) == ("Premium_LRS", "2")
