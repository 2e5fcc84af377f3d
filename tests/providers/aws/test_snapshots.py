"""Snapshots on EBS, which takes no token for them."""

from uuid import uuid4

import pytest

from cloudlayer import labels
from cloudlayer.errors import Conflict, InvalidSpec, NotFound, PermissionDenied, Throttled, TransientError
from cloudlayer.resources import SnapshotState, VolumeSpec
from cloudlayer.units import GIB


@pytest.fixture
def storage(cloud):
    return cloud.storage


@pytest.fixture
def volume(storage):
    spec = VolumeSpec(size=4 * GIB, zone="us-east-1a")
    return storage.wait(storage.create(spec, token=str(uuid4())), "available").id


@pytest.fixture
def token():
    return str(uuid4())


def ours(ec2):
    """Ids of the account's snapshots, but those of its images."""
    found = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    return [item["SnapshotId"] for item in found if not item.get("Description")]


def test_a_snapshot_has_its_labels_and_marks_from_the_start(aws, storage, volume, token):
    aws.options.pending = 3600
    copy = storage.snapshot(volume, token=token, name="friday", labels={"team": "a"})
    assert (copy.state, copy.volume, copy.size, copy.name) == (SnapshotState.CREATING, volume, 4 * GIB, "friday")
    assert copy.labels.items() >= {"team": "a", labels.TOKEN: token}.items()
    aws.options.pending = 0
    assert storage.wait_snapshot(copy, "ready").state is SnapshotState.READY
    assert aws.count("CreateTags") == 0


def test_the_worlds_public_snapshots_are_not_listed(storage, ec2, volume, token):
    copy = storage.snapshot(volume, token=token)
    listed = storage.snapshots()
    assert copy.id in {found.id for found in listed}
    assert {found.native["OwnerId"] for found in listed} == {copy.native["OwnerId"]}
    assert len(ec2.describe_snapshots()["Snapshots"]) > len(listed)


def test_a_lost_answer_makes_no_second_snapshot(aws, storage, ec2, volume, token):
    aws.fault(action="CreateSnapshot", lost_response=True, times=1)
    copy = storage.snapshot(volume, token=token)
    assert storage.snapshot(volume, token=token).id == copy.id
    assert ours(ec2) == [copy.id]
    assert aws.count("CreateSnapshot") == 1


def test_a_refusal_in_passing_is_tried_again(aws, storage, ec2, volume, token):
    aws.fault(action="CreateSnapshot", code="SnapshotCreationPerVolumeRateExceeded", times=2)
    copy = storage.snapshot(volume, token=token)
    assert ours(ec2) == [copy.id]
    aws.fault(action="CreateSnapshot", code="SnapshotCreationPerVolumeRateExceeded")
    with pytest.raises(Throttled):
        storage.snapshot(volume, token=str(uuid4()))


def test_a_refusal_for_good_is_not_tried_again(aws, storage, volume, token):
    aws.fault(action="CreateSnapshot", code="UnauthorizedOperation", status=403)
    with pytest.raises(PermissionDenied):
        storage.snapshot(volume, token=token)
    assert aws.count("CreateSnapshot") == 1


def test_twins_that_a_slow_list_let_through_are_one_after_the_next_call(aws, storage, ec2, volume, token):
    aws.options.hidden = 3600
    aws.fault(action="CreateSnapshot", lost_response=True, times=1)
    storage.snapshot(volume, token=token)
    aws.options.hidden = 0
    assert len(ours(ec2)) == 2
    kept = storage.snapshot(volume, token=token)
    assert ours(ec2) == [kept.id]


def test_another_spec_under_a_used_token_is_a_conflict(storage, ec2, volume, token):
    storage.snapshot(volume, token=token, labels={"team": "a"})
    with pytest.raises(Conflict):
        storage.snapshot(volume, token=token, labels={"team": "b"})
    assert len(ours(ec2)) == 1


def test_a_snapshot_outlives_its_volume_and_keeps_its_size(storage, volume, token):
    copy = storage.snapshot(volume, token=token)
    storage.grow(volume, 8 * GIB)
    storage.delete(volume)
    assert storage.get_snapshot(copy.id).size == 4 * GIB
    spec = VolumeSpec(size=5 * GIB, zone="us-east-1b", snapshot=copy.id)
    again = storage.create(spec, token=str(uuid4()))
    assert (again.size, again.native["SnapshotId"]) == (5 * GIB, copy.id)


def test_a_volume_smaller_than_its_snapshot_is_refused(storage, volume, token):
    copy = storage.snapshot(volume, token=token)
    with pytest.raises(InvalidSpec):
        storage.create(VolumeSpec(size=3 * GIB, snapshot=copy.id), token=str(uuid4()))
    with pytest.raises(NotFound):
        storage.create(VolumeSpec(size=3 * GIB, snapshot="snap-0123456789abcdef0"), token=str(uuid4()))


def test_lists_are_whole_in_the_smallest_pages(aws, storage, volume):
    aws.options.page = 5
    made = {storage.snapshot(volume, token=str(uuid4()), labels={"team": "a"}).id for _ in range(11)}
    aws.calls.clear()
    assert {copy.id for copy in storage.snapshots({"team": "a"})} == made
    assert aws.count("DescribeSnapshots") == 3


def test_what_is_not_there_is_not_found_and_deleted_without_an_error(storage, volume, token):
    copy = storage.snapshot(volume, token=token)
    for _ in range(2):
        storage.delete_snapshot(copy.id)
    assert storage.wait_snapshot(copy, "deleted").state is SnapshotState.DELETED
    for name in (copy.id, "not an id"):
        storage.delete_snapshot(name)
        with pytest.raises(NotFound):
            storage.get_snapshot(name)
    with pytest.raises(NotFound):
        storage.snapshot("vol-0123456789abcdef0", token=str(uuid4()))


def test_a_call_that_gets_no_answer_at_all_is_transient(aws, storage, volume, token):
    aws.fault(action="CreateSnapshot", refuse=True)
    with pytest.raises(TransientError):
        storage.snapshot(volume, token=token)
