"""Scale sets of both modes, asked for with Azure's own SDKs."""

from collections import Counter

import pytest

from tests.contracts.arm import bodies
from tests.contracts.arm.conftest import Refused

MEMBERS = {True: "virtualMachines", False: "virtualMachineScaleSets/virtualMachines"}

both = pytest.mark.parametrize("flexible", [True, False], ids=["flexible", "uniform"])


def create(sdk, **more):
    return sdk.compute.virtual_machine_scale_sets.begin_create_or_update("group", "set", bodies.scale_set(**more)).result()


def change(sdk, **body):
    return sdk.compute.virtual_machine_scale_sets.begin_update("group", "set", body).result()


def capacity(sdk):
    return sdk.compute.virtual_machine_scale_sets.get("group", "set").sku.capacity


@both
def test_members_follow_the_capacity(arm, networked, flexible):
    create(networked, flexible=flexible, capacity=2)
    assert len(arm.things(MEMBERS[flexible])) == 2
    change(networked, sku={"capacity": 3})
    assert len(arm.things(MEMBERS[flexible])) == 3
    change(networked, sku={"capacity": 1})
    assert len(arm.things(MEMBERS[flexible])) == 1 and arm.launched == 3


@both
def test_members_are_spread_over_the_zones(arm, networked, flexible):
    create(networked, flexible=flexible, capacity=4, zones=["1", "3"])
    assert Counter(member["zones"][0] for member in arm.things(MEMBERS[flexible])) == {"1": 2, "3": 2}


@both
def test_members_carry_the_tags_of_their_set(arm, networked, flexible):
    create(networked, flexible=flexible)
    assert [member["tags"] for member in arm.things(MEMBERS[flexible])] == [{"purpose": "test"}] * 2
    assert [disk["tags"] for disk in arm.things("disks")] == [{"purpose": "test"}] * 2


@both
def test_members_go_with_their_set_and_all_that_is_theirs(arm, networked, flexible):
    create(networked, flexible=flexible)
    networked.compute.virtual_machine_scale_sets.begin_delete("group", "set").result()
    assert not arm.things("virtualMachineScaleSets") and not arm.things(MEMBERS[flexible])
    assert not arm.things("disks") and [nic["name"] for nic in arm.things("networkInterfaces")] == ["nic"]


def failed_with(networked, flexible):
    """The code in a set's view; a flexible set has none, and fails alike."""
    sets = networked.compute.virtual_machine_scale_sets
    if flexible:
        with Refused("OperationNotAllowed"):
            sets.get_instance_view("group", "set")
        return "AllocationFailed" if sets.get("group", "set").provisioning_state == "Failed" else None
    (status,) = sets.get_instance_view("group", "set").statuses
    return status.code.removeprefix("ProvisioningState/failed/")


@both
def test_a_set_without_room_has_failed_and_tries_again_when_it_is_changed(arm, networked, flexible):
    arm.options.room = 1
    with Refused("AllocationFailed"):
        create(networked, flexible=flexible, capacity=2)
    assert failed_with(networked, flexible) == "AllocationFailed"
    assert len(arm.things(MEMBERS[flexible])) == 1
    arm.options.room = None
    assert change(networked, sku={"capacity": 2}).provisioning_state == "Succeeded"
    assert len(arm.things(MEMBERS[flexible])) == 2


@both
def test_a_member_that_does_not_come_up_stays_as_failed(arm, networked, flexible):
    arm.options.failing = "OSProvisioningTimedOut"
    with Refused("OSProvisioningTimedOut"):
        create(networked, flexible=flexible, capacity=1)
    assert [member["properties"]["provisioningState"] for member in arm.things(MEMBERS[flexible])] == ["Failed"]


@both
def test_named_members_are_deleted_and_the_capacity_with_them(arm, networked, flexible):
    create(networked, flexible=flexible, capacity=3)
    first = arm.things(MEMBERS[flexible])[0]
    name = first["name"] if flexible else first["instanceId"]
    sets = networked.compute.virtual_machine_scale_sets
    sets.begin_delete_instances("group", "set", {"instanceIds": [name]}).result()
    assert capacity(networked) == 2 and first["id"] not in [member["id"] for member in arm.things(MEMBERS[flexible])]
    with Refused("InvalidParameter", 400):
        sets.begin_delete_instances("group", "set", {"instanceIds": [name]})


def test_a_flexible_member_that_is_deleted_by_itself_lowers_the_capacity(arm, networked):
    create(networked)
    networked.compute.virtual_machines.begin_delete("group", arm.things("virtualMachines")[0]["name"]).result()
    assert capacity(networked) == 1 and len(arm.things("virtualMachines")) == 1


def test_a_flexible_member_is_a_machine_of_its_own(arm, networked):
    create(networked, capacity=1)
    (machine,) = networked.compute.virtual_machines.list("group")
    assert machine.virtual_machine_scale_set.id == bodies.path("virtualMachineScaleSets", "set", "Compute")
    assert machine.network_profile.network_interfaces[0].delete_option == "Delete"


def test_a_flexible_set_has_no_upgrade_policy_and_its_members_no_newer_model(arm, networked):
    body = bodies.scale_set()
    body["properties"]["upgradePolicy"] = {"mode": "Manual"}
    with Refused("InvalidParameter", 400):
        networked.compute.virtual_machine_scale_sets.begin_create_or_update("group", "set", body)
    create(networked)
    member = arm.things("virtualMachines")[0]["name"]
    with Refused("OperationNotAllowed"):
        sets = networked.compute.virtual_machine_scale_sets
        sets.begin_update_instances("group", "set", {"instanceIds": [member]}).result()


def test_uniform_members_take_a_new_model_when_they_are_told_to(networked):
    create(networked, flexible=False)
    change(networked, sku={"name": "Standard_D4s_v5", "capacity": 2})
    members = networked.compute.virtual_machine_scale_set_vms
    assert [member.latest_model_applied for member in members.list("group", "set")] == [False, False]
    networked.compute.virtual_machine_scale_sets.begin_update_instances("group", "set", {"instanceIds": ["0"]}).result()
    assert [member.latest_model_applied for member in members.list("group", "set")] == [True, False]
    assert members.get("group", "set", "0").sku.name == "Standard_D4s_v5"


def test_other_user_data_is_another_model_and_the_same_is_not(networked):
    create(networked, flexible=False)
    members = networked.compute.virtual_machine_scale_set_vms
    create(networked, flexible=False)
    assert [member.latest_model_applied for member in members.list("group", "set")] == [True, True]
    change(networked, properties={"virtualMachineProfile": {"osProfile": {"customData": "b3RoZXI="}}})
    assert [member.latest_model_applied for member in members.list("group", "set")] == [False, False]


def test_uniform_members_take_a_new_model_by_themselves_where_that_is_the_policy(networked):
    body = bodies.scale_set(flexible=False)
    body["properties"]["upgradePolicy"] = {"mode": "Rolling"}
    sets = networked.compute.virtual_machine_scale_sets
    sets.begin_create_or_update("group", "set", body).result()
    change(networked, sku={"name": "Standard_D4s_v5", "capacity": 2})
    members = networked.compute.virtual_machine_scale_set_vms.list("group", "set")
    assert [member.latest_model_applied for member in members] == [True, True]
    latest = networked.compute.virtual_machine_scale_set_rolling_upgrades.get_latest("group", "set")
    assert latest.running_status.code == "Completed"


def test_uniform_members_have_numbers_that_are_never_used_again(networked):
    create(networked, flexible=False, capacity=2)
    members = networked.compute.virtual_machine_scale_set_vms
    members.begin_delete("group", "set", "1").result()
    change(networked, sku={"capacity": 2})
    assert [member.instance_id for member in members.list("group", "set")] == ["0", "2"]
    assert capacity(networked) == 2


def test_a_protected_member_stays_when_the_set_shrinks(networked):
    create(networked, flexible=False, capacity=2)
    members = networked.compute.virtual_machine_scale_set_vms
    body = members.get("group", "set", "1").as_dict() | {"location": "eastus"}
    body["properties"]["protectionPolicy"] = {"protectFromScaleIn": True}
    members.begin_update("group", "set", "1", body).result()
    change(networked, sku={"capacity": 1})
    assert [member.instance_id for member in members.list("group", "set")] == ["1"]


def test_disks_are_attached_to_uniform_members(networked):
    create(networked, flexible=False, capacity=1)
    disk = networked.disks.disks.begin_create_or_update("group", "data", bodies.disk()).result()
    members = networked.compute.virtual_machine_scale_set_vms
    members.begin_update("group", "set", "0", bodies.located() | bodies.attached("data")).result()
    assert networked.disks.disks.get("group", "data").managed_by.endswith("/virtualMachineScaleSets/set/virtualMachines/0")
    with Refused("OperationNotAllowed", 409):
        networked.disks.disks.begin_delete("group", "data")
    members.begin_update("group", "set", "0", bodies.located(properties={"storageProfile": {"dataDisks": []}})).result()
    assert networked.disks.disks.get("group", disk.name).managed_by is None


def test_the_power_of_uniform_members_follows_the_actions(networked):
    create(networked, flexible=False)
    networked.compute.virtual_machine_scale_set_vms.begin_deallocate("group", "set", "0").result()
    members = networked.compute.virtual_machine_scale_set_vms
    powers = [member.instance_view.statuses[1].code for member in members.list("group", "set", expand="instanceView")]
    assert powers == ["PowerState/deallocated", "PowerState/running"]
    networked.compute.virtual_machine_scale_sets.begin_power_off("group", "set").result()
    assert members.get_instance_view("group", "set", "1").statuses[1].code == "PowerState/stopped"


def test_the_interfaces_of_uniform_members_are_told_below_their_set(networked):
    create(networked, flexible=False)
    interfaces = networked.members.network_interfaces
    listed = list(interfaces.list_virtual_machine_scale_set_network_interfaces("group", "set"))
    assert [one.virtual_machine.id.rpartition("/")[2] for one in listed] == ["0", "1"]
    (one,) = interfaces.list_virtual_machine_scale_set_vm_network_interfaces("group", "set", "1")
    assert one.ip_configurations[0].private_ip_address == "10.0.0.6"


def test_a_newer_change_takes_the_place_of_an_older_one(arm, networked, clock):
    create(networked)
    arm.options.delay = 10
    sets = networked.compute.virtual_machine_scale_sets
    older = sets.begin_update("group", "set", {"sku": {"capacity": 5}})
    sets.begin_update("group", "set", {"sku": {"capacity": 3}}, polling=False)
    clock.now += 10
    with Refused("OperationPreempted"):
        older.result()
    assert len(arm.things("virtualMachines")) == 3


@pytest.mark.parametrize("missing", ["platformFaultDomainCount", "virtualMachineProfile"])
def test_a_flexible_set_needs_its_parts(networked, missing):
    body = bodies.scale_set()
    del body["properties"][missing]
    with Refused("InvalidParameter", 400):
        networked.compute.virtual_machine_scale_sets.begin_create_or_update("group", "set", body)


def test_an_autoscale_setting_keeps_the_capacity_within_its_bounds(arm, networked):
    target = create(networked, capacity=3).id
    settings = networked.autoscale.autoscale_settings
    settings.create_or_update("group", "setting", bodies.bounds(target, 1, 2))
    assert capacity(networked) == 2 and len(arm.things("virtualMachines")) == 2
    change(networked, sku={"capacity": 5})
    assert capacity(networked) == 2 and len(arm.things("virtualMachines")) == 2
    with Refused("BadRequest", 400):
        settings.create_or_update("group", "another", bodies.bounds(target, 1, 2))
    settings.delete("group", "setting")
    assert not list(settings.list_by_resource_group("group"))


def test_an_autoscale_setting_has_a_target_and_bounds_in_order(networked):
    target = create(networked).id
    for body in (bodies.bounds(target + "2", 1, 2), bodies.bounds(target, 3, 2)):
        with Refused("BadRequest", 400):
            networked.autoscale.autoscale_settings.create_or_update("group", "setting", body)
