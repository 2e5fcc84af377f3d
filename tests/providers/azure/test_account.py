"""The role that is needed, the limits of a subscription, and what is left behind."""

import json
from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import InvalidSpec, TransientError
from cloudlayer.providers.azure import policy
from cloudlayer.providers.azure.marks import YOUNG
from cloudlayer.resources import Leftover

SPEC = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04", labels={"team": "blue"})


def test_the_role_is_one_that_azure_reads():
    role = json.loads(policy())
    assert role["IsCustom"] is True
    assert "Microsoft.Compute/virtualMachines/write" in role["Actions"]
    assert not [action for action in role["Actions"] if "*" in action]
    assert role["DataActions"] == []


def test_the_role_lets_disks_be_copied_and_all_operations_be_followed():
    actions = set(json.loads(policy())["Actions"])
    assert {f"Microsoft.Compute/{kind}/beginGetAccess/action" for kind in ("disks", "snapshots")} <= actions
    assert {f"Microsoft.Compute/locations/{kind}/read" for kind in ("operations", "diskOperations")} <= actions
    assert {f"Microsoft.Network/locations/{kind}/read" for kind in ("operations", "operationResults")} <= actions


def test_the_role_has_no_action_that_azure_does_not_have():
    actions = json.loads(policy())["Actions"]
    assert "Microsoft.Compute/locations/operationResults/read" not in actions
    assert not [action for action in actions if action.startswith("Microsoft.Storage/locations/")]


def test_limits_are_told_with_their_use_and_how_they_are_raised(arm, cloud):
    arm.options.quotas = {"cores": 10}
    cloud.compute.create(SPEC, token=str(uuid4()))
    quotas = {quota.name: quota for quota in cloud.quotas()}
    (cores,) = [quota for quota in quotas.values() if "--resource-name cores " in quota.mend]
    assert (cores.limit, cores.used) == (10.0, 2.0)
    assert any("Microsoft.Network" in quota.mend for quota in quotas.values())


def test_a_young_piece_is_spared_since_its_create_may_come_back(arm, cloud, clock):
    arm.fault(method="VirtualMachines_CreateOrUpdate", refuse=True)
    with pytest.raises(TransientError):
        cloud.compute.create(SPEC, token=str(uuid4()))
    arm.rules.clear()
    assert cloud.leftovers({"team": "blue"}) == []
    clock.sleep(YOUNG)
    (left,) = cloud.leftovers({"team": "blue"})
    assert left.kind == "Microsoft.Network/networkInterfaces"
    cloud.delete_leftover(left)
    assert arm.things("networkInterfaces") == []


def test_what_an_evicted_machine_leaves_is_told(arm, cloud, clock):
    spec = SPEC.model_copy(update={"purchase": "spot", "public_address": True})
    made = cloud.compute.create(spec, token=str(uuid4()))
    arm.evict(made.id)
    clock.sleep(YOUNG)
    assert [left.kind for left in cloud.leftovers({"team": "blue"})] == ["Microsoft.Network/publicIPAddresses"]


def test_a_piece_that_is_in_use_after_all_stays(arm, cloud):
    made = cloud.compute.create(SPEC.model_copy(update={"public_address": True}), token=str(uuid4()))
    (address,) = arm.things("publicIPAddresses")
    cloud.delete_leftover(Leftover(address["name"], "Microsoft.Network/publicIPAddresses", "azure", "eastus", native=address))
    assert cloud.compute.get(made.id).public_address


def test_what_was_never_told_is_refused(cloud):
    with pytest.raises(InvalidSpec, match="none of those"):
        cloud.delete_leftover(Leftover("x", "Microsoft.Web/sites", "azure", "eastus", name="x"))
