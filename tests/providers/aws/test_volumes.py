"""Volumes on EBS."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import (
    CapacityError,
    CloudError,
    Conflict,
    InvalidSpec,
    NotFound,
    QuotaError,
    RejectedSpec,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.resources import VolumeSpec, VolumeState
from cloudlayer.units import GIB, MIB

SPEC = VolumeSpec(name="data", size=4 * GIB, zone="us-east-1a", labels={"team": "a"})


@pytest.fixture
def storage(cloud):
    return cloud.storage


@pytest.fixture
def token():
    return str(uuid4())


def changed(**fields):
    return VolumeSpec.model_validate({**SPEC.model_dump(), **fields})


@pytest.fixture
def machine(compute):
    """Makes a machine in a zone."""

    def make(zone="us-east-1a"):
        spec = InstanceSpec(machine_type="m7i.large", image="ami-0a01", zone=zone)
        return compute.wait(compute.create(spec, token=str(uuid4())), "running").id

    return make


def made(storage, **fields):
    return storage.wait(storage.create(changed(**fields), token=str(uuid4())), "available")


def test_a_volume_has_its_labels_and_marks_from_the_start(aws, storage, ec2, token):
    volume = storage.create(SPEC, token=token)
    assert (volume.name, volume.zone, volume.size, volume.type) == ("data", "us-east-1a", 4 * GIB, "gp3")
    (found,) = ec2.describe_volumes()["Volumes"]
    tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    assert tags.items() >= {"Name": "data", "team": "a", labels.TOKEN: token}.items()
    assert labels.SPEC in tags
    assert aws.count("CreateTags") == 0


def test_without_a_zone_it_is_in_the_first(storage, token):
    assert storage.create(changed(zone=None), token=token).zone == "us-east-1a"


def test_a_size_between_two_gibibytes_is_the_larger(storage, token):
    assert storage.create(changed(size=4 * GIB + 1), token=token).size == 5 * GIB


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_lost_answer_makes_no_second_volume(aws, storage, ec2, token, forgotten):
    aws.fault(action="CreateVolume", lost_response=True, times=1)
    first = storage.create(SPEC, token=token)
    if forgotten:
        aws.tokens.forget()
    assert storage.create(SPEC, token=token).id == first.id
    assert [found["VolumeId"] for found in ec2.describe_volumes()["Volumes"]] == [first.id]


def test_another_spec_under_a_used_token_is_a_conflict_even_before_lists_show_the_first(aws, storage, token):
    storage.create(SPEC, token=token)
    with pytest.raises(Conflict):
        storage.create(changed(size=5 * GIB), token=token)
    aws.options.hidden = 3600
    with pytest.raises(Conflict) as caught:
        storage.create(changed(size=5 * GIB), token=token)
    assert caught.value.code == "IdempotentParameterMismatch"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"type": "fast"}, "type: .* use one of gp3, gp2, io2, io1, st1, sc1, standard"),
        ({"type": "st1"}, "size: 4GiB is no size of a st1 volume: 125GiB to 16TiB is"),
        ({"type": "io2"}, "iops: a io2 volume needs a number, 100 to 256000"),
        ({"type": "gp2", "iops": 500}, "iops: a gp2 volume's cannot be chosen"),
        ({"iops": 100}, "iops: a gp3 volume has 3000 to 80000, not 100"),
        ({"throughput": 9 * MIB}, "throughput: a gp3 volume has 125MiB to 1.95GiB a second"),
        ({"type": "io2", "iops": 100, "throughput": 200 * MIB}, "throughput: a io2 volume's cannot be chosen"),
        ({"overrides": {"encrypt": True}}, "overrides.encrypt: unknown key"),
        ({"labels": {"aws:x": "y"}}, "labels.aws:x: "),
    ],
)
def test_what_ebs_would_refuse_is_told_before_any_call(aws, storage, token, fields, line):
    with pytest.raises(InvalidSpec, match=line):
        storage.create(changed(**fields), token=token)
    assert aws.calls == []


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("VolumeLimitExceeded", 400, QuotaError),
        ("InsufficientVolumeCapacity", 500, CapacityError),
        ("VolumeTypeNotAvailableInZone", 400, Unsupported),
        ("InvalidZone.NotFound", 400, RejectedSpec),
        ("SomethingNew", 500, UnknownCloudError),
    ],
)
def test_each_code_is_its_own_error(aws, storage, token, code, status, error):
    aws.fault(action="CreateVolume", code=code, status=status, message="not found, for lack of capacity")
    with pytest.raises(CloudError) as caught:
        storage.create(SPEC, token=token)
    assert (type(caught.value), caught.value.code) == (error, code)
    assert aws.count("CreateVolume") == 1


def test_a_lack_of_room_is_that_of_the_zone(aws, storage, token):
    aws.fault(action="CreateVolume", code="InsufficientVolumeCapacity")
    with pytest.raises(CapacityError) as caught:
        storage.create(SPEC, token=token)
    assert (caught.value.avoid.region, caught.value.avoid.zone) == ("us-east-1", "us-east-1a")


def test_a_delete_is_refused_for_the_volumes_state_and_not_for_an_answer_that_was_lost(aws, storage):
    volume = made(storage)
    aws.fault(action="DeleteVolume", code="IncorrectState", times=1)
    with pytest.raises(Conflict):
        storage.delete(volume.id)
    aws.fault(action="DeleteVolume", lost_response=True, times=1)
    storage.delete(volume.id)
    assert storage.list() == []


def test_speeds_and_encryption_are_asked_for(storage, token):
    wanted = changed(iops=4000, throughput=130 * MIB + 1, overrides={"encrypted": True})
    native = storage.create(wanted, token=token).native
    assert (native["Iops"], native["Throughput"], native["Encrypted"]) == (4000, 131, True)


def test_the_default_type_is_first_and_all_have_bounds(storage):
    kinds = storage.types()
    assert [kind.name for kind in kinds if kind.default] == [kinds[0].name] == ["gp3"]
    assert all(kind.smallest < kind.largest for kind in kinds)


def test_attaching_takes_time_and_the_first_free_device(aws, storage, machine):
    volume, other, instance = made(storage), made(storage), machine()
    aws.options.pending = 3600
    began = storage.attach(volume.id, instance)
    assert (began.state, began.attached_to, began.device) == (VolumeState.UPDATING, instance, "/dev/sdf")
    storage.attach(other.id, instance)
    aws.options.pending = 0
    assert storage.wait(volume, "attached").device == "/dev/sdf"
    assert storage.wait(other, "attached").device == "/dev/sdg"
    assert storage.attach(volume.id, instance).state is VolumeState.ATTACHED
    aws.options.pending = 3600
    assert storage.detach(volume.id).state is VolumeState.UPDATING
    aws.options.pending = 0
    assert storage.wait(volume, "available").attached_to is None
    assert storage.detach(volume.id).state is VolumeState.AVAILABLE


def test_a_device_that_another_takes_at_the_same_time_is_passed_over(aws, storage, ec2, machine):
    first, second, instance = made(storage), made(storage), machine()
    devices = storage._devices
    look = devices._used
    looks = []

    def late(*args):
        found = look(*args)
        if not looks:
            ec2.attach_volume(VolumeId=first.id, InstanceId=instance, Device="/dev/sdf")
        looks.append(found)
        return found

    devices._used = late
    try:
        assert storage.attach(second.id, instance).device == "/dev/sdg"
    finally:
        del devices._used


def test_a_machine_without_a_free_device_is_a_quota_error(storage, machine, monkeypatch):
    monkeypatch.setattr("cloudlayer.providers.aws.storage.devices.NAMES", ("/dev/sdf",))
    instance = machine()
    storage.attach(made(storage).id, instance)
    with pytest.raises(QuotaError, match="detach one first"):
        storage.attach(made(storage).id, instance)


@pytest.mark.parametrize("action", ["AttachVolume", "DetachVolume"])
def test_a_lost_answer_of_attach_or_detach_is_no_error(aws, storage, machine, action):
    volume, instance = made(storage), machine()
    if action == "DetachVolume":
        storage.wait(storage.attach(volume.id, instance), "attached")
    aws.fault(action=action, lost_response=True, times=1)
    if action == "AttachVolume":
        assert storage.attach(volume.id, instance).attached_to == instance
        assert storage.wait(volume, "attached")
    else:
        storage.detach(volume.id)
        assert storage.wait(volume, "available")


def test_a_volume_of_another_zone_or_machine_is_a_conflict(storage, machine):
    volume, here, there, away = made(storage), machine(), machine(), machine("us-east-1b")
    with pytest.raises(Conflict) as caught:
        storage.attach(volume.id, away)
    assert caught.value.code == "InvalidVolume.ZoneMismatch"
    storage.attach(volume.id, here)
    with pytest.raises(Conflict, match=f"at {here}: detach it there first"):
        storage.attach(volume.id, there)
    with pytest.raises(Conflict):
        storage.delete(volume.id)


def test_a_machine_that_is_gone_is_not_found(compute, storage, machine):
    volume, instance = made(storage), machine()
    compute.delete([instance])
    for name in (instance, "i-0123456789abcdef0"):
        with pytest.raises(NotFound):
            storage.attach(volume.id, name)


def test_growing_is_updating_until_the_size_is_there(aws, storage):
    volume = made(storage)
    aws.options.pending = aws.options.optimizing = 3600
    began = storage.grow(volume.id, 6 * GIB)
    assert (began.state, began.size) == (VolumeState.UPDATING, 4 * GIB)
    assert [item.state for item in storage.list()] == [VolumeState.UPDATING]
    assert storage.grow(volume.id, 6 * GIB).state is VolumeState.UPDATING
    aws.options.pending = 0
    assert storage.wait(volume, "available").size == 6 * GIB
    assert storage.grow(volume.id, 6 * GIB).size == 6 * GIB
    with pytest.raises(Conflict) as caught:
        storage.grow(volume.id, 7 * GIB)
    assert caught.value.code == "IncorrectModificationState"


@pytest.mark.parametrize("pending", [0, 3600])
def test_a_lost_answer_of_grow_is_no_error(aws, storage, pending):
    volume = made(storage)
    aws.options.pending, aws.options.optimizing = pending, 7200
    aws.fault(action="ModifyVolume", lost_response=True, times=1)
    assert storage.grow(volume.id, 6 * GIB).id == volume.id
    aws.options.pending = 0
    assert storage.wait(volume, "available").size == 6 * GIB
    assert aws.count("ModifyVolume") == 2


def test_the_fifth_growth_of_a_day_is_a_conflict(storage):
    volume = made(storage)
    for size in range(5, 9):
        storage.grow(volume.id, size * GIB)
    with pytest.raises(Conflict) as caught:
        storage.grow(volume.id, 9 * GIB)
    assert caught.value.code == "VolumeModificationRateExceeded"


def test_no_volume_shrinks_nor_outgrows_its_type(storage):
    volume = made(storage)
    with pytest.raises(InvalidSpec, match="cannot shrink to 3GiB"):
        storage.grow(volume.id, 3 * GIB)
    with pytest.raises(InvalidSpec, match="1GiB to 64TiB is"):
        storage.grow(volume.id, 65537 * GIB)


@pytest.mark.parametrize("id", ["vol-0123456789abcdef0", "vol-1", "not an id"])
def test_an_id_that_ebs_does_not_know_is_not_found(storage, id):
    for call in (storage.get, storage.detach, lambda name: storage.grow(name, GIB), lambda name: storage.attach(name, "i-1")):
        with pytest.raises(NotFound):
            call(id)
    storage.delete(id)


def test_disks_that_go_with_their_machine_are_no_volumes_and_those_that_outlive_it_are(compute, storage, ec2):
    spec = InstanceSpec(machine_type="m7i.large", image="ami-0a01", labels={"team": "b"}, disks=[{"size": 9 * GIB}])
    made = compute.create(spec, token=str(uuid4()))
    assert storage.list({"team": "b"}) == []
    disks = [disk["Ebs"]["VolumeId"] for disk in compute.get(made.id).native["BlockDeviceMappings"]]
    assert storage.get(disks[0]).attached_to == made.id
    kept = storage.wait(made_apart(ec2, disks), "available").id
    compute.delete([made.id])
    assert [volume.id for volume in storage.list({"team": "b"})] == [kept]


def made_apart(ec2, disks):
    """Detaches the disk that is no boot disk, as its owner may."""
    for found in ec2.describe_volumes(VolumeIds=disks)["Volumes"]:
        (attachment,) = found["Attachments"]
        if attachment["Device"] == "/dev/sdf":
            ec2.detach_volume(VolumeId=found["VolumeId"], InstanceId=attachment["InstanceId"])
            return found["VolumeId"]
    raise AssertionError("no such disk")
