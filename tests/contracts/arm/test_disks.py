"""Disks and snapshots of the fake Azure, asked for with Azure's own SDKs."""

import pytest

from tests.contracts.arm import bodies
from tests.contracts.arm.conftest import Refused


def create(sdk, name="data", **more):
    return sdk.disks.disks.begin_create_or_update("group", name, bodies.disk(**more)).result()


def attach(sdk, *names, machine="machine"):
    return sdk.compute.virtual_machines.begin_update("group", machine, bodies.attached(*names))


def test_a_disk_is_attached_to_a_machine_and_detached_again(running):
    create(running)
    attach(running, "data").result()
    disk = running.disks.disks.get("group", "data")
    assert (disk.disk_state, disk.managed_by) == ("Attached", bodies.path("virtualMachines", "machine", "Compute"))
    attach(running).result()
    assert running.disks.disks.get("group", "data").disk_state == "Unattached"


def test_a_disk_that_is_being_detached_is_attached_nowhere_else(arm, running, clock):
    create(running)
    attach(running, "data").result()
    running.network.network_interfaces.begin_create_or_update("group", "nic2", bodies.interface()).result()
    running.compute.virtual_machines.begin_create_or_update("group", "another", bodies.machine("nic2")).result()
    arm.options.delay = 10
    attach(running)
    with Refused("AttachDiskWhileBeingDetached", 409):
        attach(running, "data", machine="another")
    clock.now += 10
    arm.options.delay = 0
    attach(running, "data", machine="another").result()


def test_a_disk_has_one_machine(running):
    create(running)
    attach(running, "data").result()
    running.network.network_interfaces.begin_create_or_update("group", "nic2", bodies.interface()).result()
    running.compute.virtual_machines.begin_create_or_update("group", "another", bodies.machine("nic2")).result()
    with Refused("ConflictingUserInput", 409):
        attach(running, "data", machine="another")


def test_a_shared_disk_has_as_many_as_it_may(running):
    create(running, maxShares=2)
    attach(running, "data").result()
    running.network.network_interfaces.begin_create_or_update("group", "nic2", bodies.interface()).result()
    running.compute.virtual_machines.begin_create_or_update("group", "another", bodies.machine("nic2")).result()
    attach(running, "data", machine="another").result()
    assert len(running.disks.disks.get("group", "data").managed_by_extended) == 2


def test_the_disk_of_a_deallocated_machine_is_reserved(running):
    create(running)
    attach(running, "data").result()
    running.compute.virtual_machines.begin_deallocate("group", "machine").result()
    assert running.disks.disks.get("group", "data").disk_state == "Reserved"


def test_a_disk_in_use_cannot_be_deleted(running):
    create(running)
    attach(running, "data").result()
    with Refused("OperationNotAllowed", 409):
        running.disks.disks.begin_delete("group", "data")


def test_a_disk_grows_and_never_shrinks(sdk):
    create(sdk, size=10)
    grown = sdk.disks.disks.begin_update("group", "data", {"properties": {"diskSizeGB": 20}}).result()
    assert (grown.disk_size_gb, grown.disk_size_bytes) == (20, 20 << 30)
    with Refused("OperationNotAllowed", 409):
        sdk.disks.disks.begin_update("group", "data", {"properties": {"diskSizeGB": 10}})


def test_a_running_machines_system_disk_does_not_grow(arm, running):
    with Refused("OperationNotAllowed", 409):
        running.disks.disks.begin_update("group", arm.things("disks")[0]["name"], {"properties": {"diskSizeGB": 64}})


@pytest.mark.parametrize("zones", [["2"], []])
def test_a_disk_of_another_zone_or_of_none_is_not_attached(arm, networked, zones):
    networked.compute.virtual_machines.begin_create_or_update("group", "machine", bodies.machine(zones=["1"])).result()
    create(networked, zones=zones)
    with Refused("BadRequest", 400):
        attach(networked, "data")


def test_a_zone_redundant_disk_is_attached_in_any_zone(networked):
    networked.compute.virtual_machines.begin_create_or_update("group", "machine", bodies.machine(zones=["1"])).result()
    redundant = bodies.disk() | {"sku": {"name": "Premium_ZRS"}}
    networked.disks.disks.begin_create_or_update("group", "data", redundant).result()
    attach(networked, "data").result()


def test_a_new_disk_has_no_name_that_is_taken(running):
    create(running)
    body = bodies.machine()
    body["properties"]["storageProfile"]["dataDisks"] = [{"lun": 0, "name": "data", "createOption": "Empty", "diskSizeGB": 1}]
    with Refused("ConflictingUserInput", 409):
        running.compute.virtual_machines.begin_create_or_update("group", "machine", body)


def test_what_a_put_leaves_out_goes_and_zone_and_sku_stay(sdk):
    whole = bodies.disk(zones=["1"]) | {"sku": {"name": "Premium_LRS"}, "tags": {"a": "b"}}
    sdk.disks.disks.begin_create_or_update("group", "data", whole).result()
    disk = sdk.disks.disks.begin_create_or_update("group", "data", bodies.disk()).result()
    assert (disk.zones, disk.sku.name, disk.tags) == (["1"], "Premium_LRS", None)


def test_a_disk_that_is_not_there_is_not_attached(running):
    with Refused("NotFound", 404):
        attach(running, "absent")


def test_a_machine_has_so_many_disks_and_no_more(running):
    names = [f"data{number}" for number in range(5)]
    for name in names:
        create(running, name)
    with Refused("OperationNotAllowed", 409):
        attach(running, *names)


def test_disks_that_come_with_a_machine_go_as_it_says(arm, networked):
    body = bodies.machine()
    body["properties"]["storageProfile"]["dataDisks"] = [
        {"lun": 0, "createOption": "Empty", "diskSizeGB": 5, "deleteOption": "Delete"},
        {"lun": 1, "createOption": "Empty", "diskSizeGB": 6},
    ]
    networked.compute.virtual_machines.begin_create_or_update("group", "machine", body).result()
    assert sorted(disk["properties"]["diskSizeGB"] for disk in arm.things("disks")) == [5, 6, 30]
    networked.compute.virtual_machines.begin_delete("group", "machine").result()
    assert [disk["properties"]["diskSizeGB"] for disk in arm.things("disks")] == [6]


@pytest.mark.parametrize("size", [0, 40_000])
def test_sizes_have_bounds(sdk, size):
    with Refused("InvalidParameter", 400):
        sdk.disks.disks.begin_create_or_update("group", "data", bodies.disk(size=size))


def test_a_snapshot_outlives_its_disk_and_makes_a_disk_of_its_size_or_more(arm, sdk):
    disk = create(sdk, size=10)
    snapshot = sdk.disks.snapshots.begin_create_or_update("group", "copy", bodies.copy_of(disk.id, incremental=True)).result()
    assert (snapshot.disk_size_gb, snapshot.incremental) == (10, True)
    sdk.disks.disks.begin_delete("group", "data").result()
    again = bodies.copy_of(snapshot.id, diskSizeGB=12)
    assert sdk.disks.disks.begin_create_or_update("group", "again", again).result().disk_size_gb == 12
    with Refused("InvalidParameter", 400):
        sdk.disks.disks.begin_create_or_update("group", "small", bodies.copy_of(snapshot.id, diskSizeGB=9))
    sdk.disks.snapshots.begin_delete("group", "copy").result()
    assert arm.things("snapshots") == []


def test_a_snapshot_of_nothing_is_refused(sdk):
    absent = bodies.copy_of(bodies.path("disks", "absent", "Compute"))
    with Refused("NotFound", 404):
        sdk.disks.snapshots.begin_create_or_update("group", "copy", absent)
