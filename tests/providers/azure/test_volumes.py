"""Managed disks: their kinds, sizes and speeds, where they are attached, and when they grow."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, InvalidSpec, QuotaError, Unsupported
from cloudlayer.resources import InstanceSpec, ScalingGroupSpec, VolumeSpec
from cloudlayer.units import GIB, MIB, TIB

MACHINE = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04", zone="1")
SPEC = VolumeSpec(name="data", size=GIB, labels={"team": "blue"})


@pytest.fixture
def storage(cloud):
    return cloud.storage


@pytest.fixture
def machine(compute):
    return compute.wait(compute.create(MACHINE, token=str(uuid4())), "running", timeout=300).id


def changed(spec=SPEC, **fields):
    return type(spec).model_validate({**spec.model_dump(), **fields})


def made(storage, **fields):
    return storage.wait(storage.create(changed(**fields), token=str(uuid4())), "available", timeout=300)


def asked(arm):
    return [call.body for call in arm.calls if call.method == "Disks_CreateOrUpdate"][-1]


def test_a_volume_without_a_zone_is_in_the_first(storage):
    assert made(storage).zone == "1"


def test_a_size_is_rounded_up_to_a_gib(storage):
    assert made(storage, size=GIB + 1).size == 2 * GIB


@pytest.mark.parametrize(
    ("size", "iops", "gib"), [(GIB, None, 4), (5 * GIB, None, 8), (GIB, 3000, 16), (600 * GIB, None, 1024)]
)
def test_an_ultra_disk_is_of_one_of_its_sizes_and_large_enough_for_its_speed(arm, storage, size, iops, gib):
    made(storage, type="UltraSSD_LRS", size=size, iops=iops)
    assert asked(arm)["properties"]["diskSizeGB"] == gib


def test_a_speed_is_asked_for_in_azures_units(arm, storage):
    made(storage, type="UltraSSD_LRS", size=64 * GIB, iops=5000, throughput=200 * MIB + 1)
    properties = asked(arm)["properties"]
    assert (properties["diskIOPSReadWrite"], properties["diskMBpsReadWrite"]) == (5000, 201)


@pytest.mark.parametrize(
    ("fields", "mend"),
    [
        ({"type": "floppy"}, "StandardSSD_LRS, Premium_LRS"),
        ({"size": 40 * TIB}, "at most 32"),
        ({"iops": 3000}, "use UltraSSD_LRS"),
        ({"throughput": 100 * MIB}, "use UltraSSD_LRS"),
        ({"type": "UltraSSD_LRS", "iops": 200_000}, "at most 160000"),
        ({"type": "UltraSSD_LRS", "iops": 50}, "at least 100"),
    ],
)
def test_what_no_disk_can_be_is_refused_before_any_call(arm, storage, fields, mend):
    with pytest.raises(InvalidSpec, match=mend):
        storage.create(changed(**fields), token=str(uuid4()))
    assert arm.calls == []


def test_a_key_of_ones_own_is_asked_for(arm, storage):
    keys = f"/subscriptions/{arm.subscription}/resourceGroups/group/providers/Microsoft.Compute/diskEncryptionSets/mine"
    storage.create(changed(overrides={"encryption_set": keys}), token=str(uuid4()))
    encryption = {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": keys}
    assert asked(arm)["properties"]["encryption"] == encryption


def test_volumes_attached_at_the_same_time_are_all_there(storage, machine):
    volumes = [made(storage) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        attached = list(pool.map(lambda volume: storage.attach(volume.id, machine), volumes))
    assert {volume.attached_to for volume in attached} == {machine}
    assert {storage.get(volume.id).device for volume in volumes} == {f"/dev/disk/azure/scsi1/lun{lun}" for lun in range(3)}


def test_a_number_that_is_free_again_is_used_again(storage, machine):
    first, second, third = (made(storage) for _ in range(3))
    for volume in (first, second):
        storage.attach(volume.id, machine)
    storage.detach(first.id)
    assert storage.attach(third.id, machine).device.endswith("lun0")
    assert storage.get(second.id).device.endswith("lun1")


def test_the_machines_own_disks_stay_when_volumes_come_and_go(arm, compute, storage):
    spec = changed(MACHINE, disks=[{"size": GIB}])
    machine = compute.wait(compute.create(spec, token=str(uuid4())), "running", timeout=300).id
    volume = made(storage)
    assert storage.attach(volume.id, machine).device.endswith("lun1")
    storage.detach(volume.id)
    (found,) = arm.things("virtualMachines")
    assert [disk["lun"] for disk in found["properties"]["storageProfile"]["dataDisks"]] == [0]
    assert [one.id for one in storage.list()] == [volume.id]


def test_a_machine_that_takes_no_more_disks_says_so(storage, machine):
    for _ in range(4):
        storage.attach(made(storage).id, machine)
    with pytest.raises(QuotaError) as caught:
        storage.attach(made(storage).id, machine)
    assert caught.value.name == "disks of a machine"


@pytest.mark.parametrize("mode", ["flexible", "uniform"])
def test_a_volume_is_attached_to_a_member_of_a_group(cloud, storage, mode):
    overrides = {"orchestration": mode}
    template = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04")
    spec = ScalingGroupSpec(name="web", template=template, desired=1, max=1, zones=["2"], overrides=overrides)
    groups = cloud.autoscaling
    (member,) = groups.wait(groups.create(spec, token=str(uuid4())), "active", timeout=300).members
    volume = made(storage, zone=member.zone)
    assert storage.attach(volume.id, member.instance).attached_to == member.instance
    assert storage.wait(volume, "attached", timeout=300).device.endswith("lun0")
    storage.detach(volume.id)
    assert storage.wait(volume, "available", timeout=300).attached_to is None


def test_a_volume_grows_where_it_is_once_its_machine_is_stopped(compute, storage, machine):
    volume = made(storage)
    storage.attach(volume.id, machine)
    with pytest.raises(Unsupported, match="2021-04-01"):
        storage.grow(volume.id, 2 * GIB)
    compute.stop(machine)
    compute.wait(machine, "stopped", timeout=300)
    assert storage.grow(volume.id, 2 * GIB).state == "updating"
    grown = storage.wait(volume, "attached", timeout=300)
    assert (grown.size, grown.attached_to) == (2 * GIB, machine)


def test_a_volume_that_is_being_made_is_deleted_once_it_is(arm, storage):
    arm.options.delay = 5.0
    volume = storage.create(SPEC, token=str(uuid4()))
    assert volume.state == "creating"
    storage.delete(volume.id)
    storage.wait(volume, "deleted", timeout=300)
    assert arm.things("disks") == []


def test_the_token_of_a_volume_that_is_being_deleted_is_used_up(arm, storage):
    token = str(uuid4())
    volume = storage.wait(storage.create(SPEC, token=token), "available", timeout=300)
    arm.options.delay = 5.0
    storage.delete(volume.id)
    with pytest.raises(Conflict, match="new token"):
        storage.create(SPEC, token=token)


def test_somebody_elses_disk_is_listed_by_its_own_name(arm, cloud, storage):
    body = {"location": "East US", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
    cloud.native("compute").disks.begin_create_or_update("group", "theirs", body, api_version="2020-12-01", polling=False)
    arm.settle()
    (found,) = storage.list()
    assert (found.id, found.name, found.zone, found.labels) == ("theirs", "theirs", "regional", {})


def test_an_attachment_that_another_process_overwrote_is_written_again(arm, cloud, storage, machine):
    first, second = made(storage), made(storage)
    execute, bare = arm.execute, {"properties": {"storageProfile": {"dataDisks": []}}}
    written = []

    def overwritten(call):
        """Another process, which read the machine before, writes its own list just after ours."""
        answer = execute(call)
        if call.method == "VirtualMachines_Update" and not written:
            written.append(call)
            arm.settle()
            held = arm.resources.get(f"{call.path}")
            held.properties["storageProfile"]["dataDisks"] = bare["properties"]["storageProfile"]["dataDisks"]
            arm.resources.put(held)
        return answer

    arm.execute = overwritten
    try:
        storage.attach(first.id, machine)
    finally:
        arm.execute = execute
    storage.attach(second.id, machine)
    assert {storage.get(one.id).attached_to for one in (first, second)} == {machine}
    assert arm.count("VirtualMachines_Update") == 3


def test_a_zone_that_there_is_not_is_told_with_those_that_there_are(arm, storage):
    with pytest.raises(InvalidSpec, match='eastus has no zone "9"; use one of 1, 2, 3'):
        storage.create(changed(zone="9"), token=str(uuid4()))
    assert not [call for call in arm.calls if call.method == "Disks_CreateOrUpdate"]
