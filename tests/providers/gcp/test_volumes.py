"""Disks: kinds with their bounds, what is made and deleted with an instance, and failures that come late."""

from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, QuotaError, RejectedSpec, TransientError, UnknownCloudError
from cloudlayer.resources import InstanceSpec, VolumeSpec
from cloudlayer.units import GIB, MIB, TIB

SPEC = VolumeSpec(name="data", size=20 * GIB, labels={"team": "a"})
MACHINE = InstanceSpec(machine_type="e2-small", image="ubuntu-22.04", labels={"team": "a"})


@pytest.fixture
def storage(cloud):
    return cloud.storage


@pytest.fixture
def instance(compute):
    return compute.wait(compute.create(MACHINE, token=str(uuid4())), "running")


def spec_of(**fields):
    return VolumeSpec.model_validate({**SPEC.model_dump(), **fields})


def made(storage, spec=SPEC):
    return storage.create(spec, token=str(uuid4()))


def test_a_size_is_rounded_up_to_what_the_kind_can_have(storage):
    assert made(storage, spec_of(size=1)).size == 10 * GIB
    assert made(storage, spec_of(size=20 * GIB + 1)).size == 21 * GIB
    assert made(storage, spec_of(size=1, type="hyperdisk-balanced")).size == 4 * GIB


def test_a_hyperdisk_has_the_speeds_that_were_asked_for(gce, storage):
    made(storage, spec_of(type="hyperdisk-balanced", iops=5000, throughput=200 * MIB))
    (disk,) = gce.things("disks")
    assert (disk["provisionedIops"], disk["provisionedThroughput"], disk["sizeGb"]) == ("5000", "200", "20")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"iops": 5000}, "cannot be chosen; leave it out, or use one of hyperdisk-balanced"),
        ({"type": "hyperdisk-balanced", "iops": 2999}, "3000 to 160000, not 2999"),
        ({"type": "hyperdisk-balanced", "throughput": 2401 * MIB}, "140MiB to 2.34GiB a second"),
        ({"type": "hyperdisk-extreme", "throughput": 200 * MIB}, "throughput: a hyperdisk-extreme disk's cannot be chosen"),
        ({"type": "hyperdisk-throughput", "iops": 3000}, "iops: a hyperdisk-throughput disk's cannot be chosen"),
        ({"type": "pd-extreme", "iops": 9999}, "10000 to 120000"),
        ({"size": 65 * TIB}, "more than the 64TiB that a pd-balanced disk can have"),
    ],
)
def test_what_a_kind_cannot_be_is_refused_before_any_call(gce, storage, fields, fault):
    with pytest.raises(InvalidSpec, match=fault):
        made(storage, spec_of(**fields))
    assert gce.calls == []


def test_every_fault_of_a_spec_is_told_at_once(storage):
    with pytest.raises(InvalidSpec) as caught:
        made(storage, spec_of(type="hyperdisk-balanced", iops=1, throughput=MIB))
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["iops", "throughput"]


def test_kinds_are_those_of_the_zones_with_the_documented_speeds(storage):
    kinds = {kind.name: kind for kind in storage.types()}
    assert "local-ssd" not in kinds
    assert [name for name, kind in kinds.items() if kind.default] == ["pd-balanced"]
    assert kinds["pd-balanced"].iops is None
    assert kinds["pd-balanced"].smallest == 10 * GIB
    assert kinds["hyperdisk-balanced"].iops == 160_000


def test_an_unknown_kind_is_told_with_those_that_there_are(storage):
    with pytest.raises(InvalidSpec, match="pd-balanced"):
        made(storage, spec_of(type="pd-quantum"))


def test_disks_that_go_with_their_instance_are_no_volumes(gce, storage, instance):
    assert len(gce.things("disks")) == 1
    assert storage.list({"team": "a"}) == []
    volume = made(storage, spec_of(zone=instance.zone))
    storage.attach(volume.id, instance.id)
    (listed,) = storage.list({"team": "a"})
    assert (listed.id, listed.attached_to) == (volume.id, instance.id)
    assert listed.device == f"/dev/disk/by-id/google-{volume.id.partition('/')[2]}"


def test_an_attached_disk_is_kept_when_its_instance_is_deleted(storage, compute, instance):
    volume = made(storage, spec_of(zone=instance.zone))
    storage.attach(volume.id, instance.id)
    compute.delete([instance.id])
    compute.wait(instance, "deleted")
    assert storage.get(volume.id).state == "available"


def test_the_same_token_finds_the_disk_in_whichever_zone_it_was_asked_for(storage):
    token = str(uuid4())
    first = storage.create(spec_of(zone="us-central1-b"), token=token)
    assert storage.create(spec_of(zone="us-central1-b"), token=token).id == first.id
    with pytest.raises(Conflict, match="another spec"):
        storage.create(spec_of(zone="us-central1-c"), token=token)
    assert [volume.id for volume in storage.list()] == [first.id]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("QUOTA_EXCEEDED", QuotaError),
        ("INTERNAL_ERROR", TransientError),
        ("INVALID_FIELD_VALUE", RejectedSpec),
        ("NEVER_HEARD_OF", UnknownCloudError),
    ],
)
def test_a_disk_that_fails_late_gives_the_error_of_its_operation(gce, storage, code, error):
    gce.options.late = {"compute.disks.insert": code}
    with pytest.raises(error) as caught:
        made(storage)
    assert caught.value.code == code
    gce.options.late = {}
    assert storage.list() == []


def test_a_disk_does_not_shrink(storage):
    volume = made(storage)
    with pytest.raises(InvalidSpec, match="do not shrink"):
        storage.grow(volume.id, 19 * GIB)
    assert storage.grow(volume.id, 20 * GIB).size == 20 * GIB
    assert storage.grow(volume.id, 20 * GIB + 1).size == 21 * GIB


def test_a_disk_is_encrypted_with_the_key_that_is_named(gce, storage):
    key = "projects/proj/locations/us-central1/keyRings/ring/cryptoKeys/key"
    made(storage, spec_of(overrides={"kms_key": key}))
    assert gce.things("disks")[0]["diskEncryptionKey"]["kmsKeyName"].startswith(key)


def test_an_id_without_a_zone_is_of_nothing(storage):
    with pytest.raises(NotFound):
        storage.get("data")
    storage.delete("data")
    storage.delete_snapshot("a/b")


def test_a_snapshot_is_listed_in_the_region_of_its_volume(storage, another):
    volume = made(storage)
    copy = storage.snapshot(volume.id, token=str(uuid4()), name="copy", labels={"team": "a"})
    assert [found.id for found in storage.snapshots({"team": "a"})] == [copy.id]
    elsewhere = another(region="europe-west4").storage
    assert list(elsewhere.snapshots()) == []
    assert elsewhere.get_snapshot(copy.id).volume == volume.id
    assert elsewhere.create(spec_of(snapshot=copy.id), token=str(uuid4())).zone.startswith("europe-west4")


def test_a_snapshot_under_a_used_token_of_something_else_is_a_conflict(storage):
    volume, token = made(storage), str(uuid4())
    copy = storage.snapshot(volume.id, token=token, name="copy")
    with pytest.raises(Conflict):
        storage.snapshot(volume.id, token=token, name="other")
    assert [found.id for found in storage.snapshots()] == [copy.id]


def test_a_volume_larger_than_its_snapshot_starts_from_it(gce, storage):
    volume = made(storage)
    copy = storage.snapshot(volume.id, token=str(uuid4()))
    larger = made(storage, spec_of(snapshot=copy.id, size=40 * GIB))
    assert larger.size == 40 * GIB
    with pytest.raises(InvalidSpec, match="less than the 20GiB"):
        made(storage, spec_of(snapshot=copy.id, size=19 * GIB))
