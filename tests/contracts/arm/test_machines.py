"""Machines of the fake Azure, asked for with Azure's own SDKs."""

import pytest
import requests

from tests.contracts.arm import bodies
from tests.contracts.arm.conftest import Refused


def codes(sdk, name="machine"):
    return [status.code for status in sdk.compute.virtual_machines.instance_view("group", name).statuses]


def create(sdk, name="machine", **more):
    return sdk.compute.virtual_machines.begin_create_or_update("group", name, bodies.machine(**more)).result()


def test_a_machine_runs_once_its_operation_is_over(arm, running):
    assert codes(running) == ["ProvisioningState/succeeded", "PowerState/running"]
    assert arm.launched == 1


def test_its_disk_carries_the_tags_that_the_machine_had_at_its_creation(arm, running):
    running.compute.virtual_machines.begin_update("group", "machine", {"tags": {"purpose": "another"}}).result()
    (disk,) = arm.things("disks")
    assert disk["tags"] == {"purpose": "test"} and disk["managedBy"].endswith("/virtualMachines/machine")


def test_secrets_are_in_no_answer(arm, running):
    (machine,) = arm.things("virtualMachines")
    assert "customData" not in machine["properties"]["osProfile"]


def test_what_is_to_go_with_a_machine_goes(arm, running):
    running.compute.virtual_machines.begin_delete("group", "machine").result()
    assert not arm.things("virtualMachines") and not arm.things("disks") and not arm.things("networkInterfaces")
    assert len(arm.things("publicIPAddresses")) == 1


def test_what_is_to_stay_stays(arm, networked):
    body = bodies.machine()
    body["properties"]["storageProfile"]["osDisk"]["deleteOption"] = "Detach"
    networked.compute.virtual_machines.begin_create_or_update("group", "machine", body).result()
    networked.compute.virtual_machines.begin_delete("group", "machine").result()
    assert [disk["properties"]["diskState"] for disk in arm.things("disks")] == ["Unattached"]


@pytest.mark.parametrize(
    ("action", "state"), [("begin_power_off", "stopped"), ("begin_deallocate", "deallocated"), ("begin_restart", "running")]
)
def test_power_follows_the_actions(running, action, state):
    getattr(running.compute.virtual_machines, action)("group", "machine").result()
    assert codes(running)[1] == f"PowerState/{state}"
    running.compute.virtual_machines.begin_start("group", "machine").result()
    assert codes(running)[1] == "PowerState/running"


def test_power_is_in_between_while_the_operation_runs(arm, running, clock):
    arm.options.delay = 5.0
    running.compute.virtual_machines.begin_deallocate("group", "machine", polling=False)
    assert codes(running)[1] == "PowerState/deallocating"
    clock.now += 5
    assert codes(running)[1] == "PowerState/deallocated"


def test_a_deallocated_machine_does_not_restart(running):
    running.compute.virtual_machines.begin_deallocate("group", "machine").result()
    with Refused("OperationNotAllowed", 409):
        running.compute.virtual_machines.begin_restart("group", "machine")


def test_a_machine_can_be_resized_and_nothing_else_of_it_be_changed(running):
    sizes = {"properties": {"hardwareProfile": {"vmSize": "Standard_D4s_v5"}}}
    machine = running.compute.virtual_machines.begin_update("group", "machine", sizes).result()
    assert machine.hardware_profile.vm_size == "Standard_D4s_v5"
    for change in ({"location": "westus2"}, {"zones": ["2"]}):
        with Refused("PropertyChangeNotAllowed", 409):
            running.compute.virtual_machines.begin_create_or_update("group", "machine", bodies.machine() | change)
    other = {"osProfile": {"computerName": "another", **bodies.profile()}}
    with Refused("PropertyChangeNotAllowed", 409):
        running.compute.virtual_machines.begin_create_or_update("group", "machine", bodies.machine(**other))


def test_the_same_machine_may_be_asked_for_again(arm, running):
    create(running)
    assert arm.launched == 1 and len(arm.things("virtualMachines")) == 1


def test_other_user_data_is_another_machine(running):
    profile = {"computerName": "machine", **bodies.profile(), "customData": "b3RoZXI="}
    with Refused("PropertyChangeNotAllowed"):
        running.compute.virtual_machines.begin_create_or_update("group", "machine", bodies.machine(osProfile=profile))


def test_an_interface_has_one_machine(running):
    with Refused("NicInUse", 400):
        create(running, "another")


def test_a_machine_makes_the_interfaces_that_it_describes(arm, networked):
    address = {"name": "public", "sku": {"name": "Standard"}, "properties": {"deleteOption": "Delete"}}
    part = {"subnet": {"id": bodies.SUBNET}, "publicIPAddressConfiguration": address}
    described = {"name": "made", "properties": {"ipConfigurations": [{"name": "first", "properties": part}]}}
    profile = {"networkApiVersion": "2020-11-01", "networkInterfaceConfigurations": [described]}
    create(networked, networkProfile=profile)
    made = [one for one in arm.things("networkInterfaces") if one["name"].startswith("made")]
    assert made[0]["properties"]["virtualMachine"]["id"].endswith("/machine")
    assert len(arm.things("publicIPAddresses")) == 2
    networked.compute.virtual_machines.begin_delete("group", "machine").result()
    assert [one["name"] for one in arm.things("networkInterfaces")] == ["nic"] and len(arm.things("publicIPAddresses")) == 1


def test_the_console_is_behind_a_signed_address(running):
    told = running.compute.virtual_machines.retrieve_boot_diagnostics_data("group", "machine")
    assert "Linux version" in requests.get(told.serial_console_log_blob_uri, timeout=10).text
    unsigned = told.serial_console_log_blob_uri.partition("?")[0]
    assert requests.get(unsigned, timeout=10).status_code == 404


@pytest.mark.parametrize(("policy", "left"), [("Deallocate", ["deallocated"]), ("Delete", [])])
def test_an_evicted_machine_is_deallocated_or_gone(arm, networked, policy, left):
    create(networked, priority="Spot", evictionPolicy=policy, billingProfile={"maxPrice": -1})
    arm.evict("machine")
    machines = networked.compute.virtual_machines.list_all(status_only="true")
    assert [machine.instance_view.statuses[1].code for machine in machines] == [f"PowerState/{state}" for state in left]
    assert len(arm.things("networkInterfaces")) == len(left)


def test_only_spot_machines_are_evicted(running):
    with Refused("OperationNotAllowed", 409):
        running.compute.virtual_machines.simulate_eviction("group", "machine")


def test_a_machine_is_made_of_an_image_of_ones_own(arm, running):
    source = arm.things("disks")[0]["id"]
    disk = {"osType": "Linux", "osState": "Generalized", "managedDisk": {"id": source}}
    body = bodies.located(properties={"storageProfile": {"osDisk": disk}})
    image = running.compute.images.begin_create_or_update("group", "own", body).result()
    running.network.network_interfaces.begin_create_or_update("group", "nic2", bodies.interface()).result()
    storage = {"imageReference": {"id": image.id}, "osDisk": {"createOption": "FromImage"}}
    assert create(running, "another", interface_name="nic2", storageProfile=storage).provisioning_state == "Succeeded"


def test_keys_are_there_at_once(sdk):
    made = sdk.compute.ssh_public_keys.create("group", "key", bodies.located(properties={"publicKey": "ssh-rsa AAAA"}))
    assert made.public_key == "ssh-rsa AAAA"
    sdk.compute.ssh_public_keys.update("group", "key", {"tags": {"a": "b"}})
    assert [key.tags for key in sdk.compute.ssh_public_keys.list_by_resource_group("group")] == [{"a": "b"}]
    sdk.compute.ssh_public_keys.delete("group", "key")
    assert not list(sdk.compute.ssh_public_keys.list_by_resource_group("group"))
