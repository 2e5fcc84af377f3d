"""What Cinder does in its own way, and the driver hides."""

from uuid import uuid4

import pytest

from cloudlayer import VolumeSpec
from cloudlayer.errors import Conflict, InvalidSpec, NotFound
from cloudlayer.units import GIB

pytestmark = pytest.mark.openstack


@pytest.fixture
def storage(cloud):
    return cloud.storage


@pytest.fixture
def labels(cloud):
    """A label that no other test's things carry; what carries it is deleted after the test."""
    label = {"volume-tests": uuid4().hex}
    yield label
    for volume in cloud.storage.list(label):
        cloud.storage.delete(volume.id)


def made(storage, labels, **fields):
    volume = storage.create(VolumeSpec(size=GIB, labels=labels, **fields), token=str(uuid4()))
    return storage.wait(volume, "available", timeout=60)


def test_labels_are_told_apart_by_their_capitals(storage, labels):
    """Cinder's own filter takes one for the other."""
    made(storage, {**labels, "team": "Blue"})
    assert storage.list({**labels, "team": "blue"}) == []
    assert len(storage.list({**labels, "team": "Blue"})) == 1


def test_an_unknown_type_is_told_with_those_that_there_are(storage, labels):
    with pytest.raises(InvalidSpec, match="__DEFAULT__"):
        made(storage, labels, type="no-such-type")
    with pytest.raises(NotFound):
        made(storage, labels, snapshot=str(uuid4()))


def test_attaching_again_while_it_is_being_attached_is_no_error(cloud, storage, labels, small):
    server = cloud.compute.create(small.model_copy(update={"labels": labels}), token=str(uuid4()))
    cloud.compute.wait(server, "running", timeout=60)
    volume = made(storage, labels)
    storage.attach(volume.id, server.id)
    storage.attach(volume.id, server.id)
    assert storage.wait(volume, "attached", timeout=60).attached_to == server.id
    with pytest.raises(Conflict, match="detach it first"):
        storage.delete(volume.id)
    storage.detach(volume.id)
    storage.wait(volume, "available", timeout=60)
    cloud.compute.delete([server.id])


def test_a_lost_answer_makes_no_twin(real, storage, labels, faults):
    faults.lose_answer("volume")
    token, spec = str(uuid4()), VolumeSpec(size=GIB, labels=labels)
    first = storage.create(spec, token=token)
    assert storage.create(spec, token=token).id == first.id
    held = [volume for volume in real.direct.block_storage.volumes() if labels.items() <= volume.metadata.items()]
    assert [volume.id for volume in held] == [first.id]
    storage.wait(first, "available", timeout=60)
