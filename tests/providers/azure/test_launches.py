"""What is asked of Azure for an instance, what goes with it, and what is never told."""

import base64
import json
import traceback
from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import CloudError, Conflict, InvalidSpec, RejectedSpec
from cloudlayer.units import GIB

SPEC = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04", labels={"team": "blue"})
SCRIPT = "#!/bin/sh\necho a-secret\n"


def asked(arm, method="VirtualMachines_CreateOrUpdate"):
    return [call.body for call in arm.calls if call.method == method]


def made(arm, compute, **fields):
    """The machine that is made of SPEC with these fields, as it was asked for."""
    compute.create(SPEC.model_validate({**SPEC.model_dump(), **fields}), token=str(uuid4()))
    return asked(arm)[-1]


def test_nobody_can_log_in_who_gives_no_key(arm, compute):
    profile = made(arm, compute)["properties"]["osProfile"]
    assert "adminPassword" not in profile
    assert profile["linuxConfiguration"]["disablePasswordAuthentication"] is True
    (key,) = profile["linuxConfiguration"]["ssh"]["publicKeys"]
    assert key["path"] == "/home/azureuser/.ssh/authorized_keys"
    assert key["keyData"].startswith("ssh-rsa ")


def test_a_key_and_a_user_can_be_given(arm, compute):
    overrides = {"ssh_public_key": "ssh-rsa AAAA mine", "admin_username": "operator"}
    profile = made(arm, compute, overrides=overrides)["properties"]["osProfile"]
    assert profile["adminUsername"] == "operator"
    assert profile["linuxConfiguration"]["ssh"]["publicKeys"] == [
        {"path": "/home/operator/.ssh/authorized_keys", "keyData": "ssh-rsa AAAA mine"}
    ]


def test_user_data_is_for_cloud_init(arm, compute):
    data = made(arm, compute, user_data=SCRIPT)["properties"]["osProfile"]["customData"]
    assert base64.b64decode(data).decode() == SCRIPT


def test_user_data_that_azure_would_refuse_is_refused_before_any_call(arm, compute):
    with pytest.raises(InvalidSpec, match="65535 bytes"):
        made(arm, compute, user_data="x" * 65_536)
    assert arm.calls == []


def test_user_data_may_have_all_the_bytes_that_azure_takes(arm, compute):
    data = made(arm, compute, user_data="x" * 65_535)["properties"]["osProfile"]["customData"]
    assert len(base64.b64decode(data)) == 65_535


def test_a_machine_with_an_ultra_disk_is_made_for_such_disks(arm, compute):
    disks = [{"size": 64 * GIB, "type": "UltraSSD_LRS"}]
    assert made(arm, compute, disks=disks)["properties"]["additionalCapabilities"] == {"ultraSSDEnabled": True}
    assert "additionalCapabilities" not in made(arm, compute)["properties"]


def test_the_boot_disk_and_the_others_go_with_the_machine(arm, compute):
    disks = [{"size": 64 * GIB, "boot": True, "type": "Premium_LRS"}, {"size": 10 * GIB + 1}]
    profile = made(arm, compute, disks=disks)["properties"]["storageProfile"]
    boot, (other,) = profile["osDisk"], profile["dataDisks"]
    assert (boot["diskSizeGB"], boot["managedDisk"]["storageAccountType"]) == (64, "Premium_LRS")
    assert (other["lun"], other["diskSizeGB"], other["managedDisk"]["storageAccountType"]) == (0, 11, "StandardSSD_LRS")
    assert boot["deleteOption"] == other["deleteOption"] == "Delete"


def test_a_spot_machine_is_deleted_when_it_is_evicted(arm, compute):
    properties = made(arm, compute, purchase="spot", overrides={"spot_max_price": 0.05})["properties"]
    assert (properties["priority"], properties["evictionPolicy"]) == ("Spot", "Delete")
    assert properties["billingProfile"] == {"maxPrice": 0.05}
    assert made(arm, compute, purchase="spot")["properties"]["billingProfile"] == {"maxPrice": -1.0}


def test_what_azure_alone_knows_is_passed_on(arm, compute):
    identity = (
        f"/subscriptions/{arm.subscription}/resourceGroups/group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me"
    )
    body = made(arm, compute, overrides={"identities": [identity], "license_type": "SLES_BYOS"})
    assert body["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    assert body["properties"]["licenseType"] == "SLES_BYOS"


def test_a_machine_is_put_into_the_zone_that_is_named_or_else_the_first(arm, compute):
    assert made(arm, compute, zone="3")["zones"] == ["3"]
    assert made(arm, compute)["zones"] == ["1"]


def test_a_zone_that_this_subscription_may_not_use_is_passed_over(arm, another):
    arm.options.restricted = {"Standard_D2s_v5": ("1",)}
    assert made(arm, another().compute)["zones"] == ["2"]


def test_only_what_is_stopped_is_resized_since_azure_would_restart_it(compute):
    instance = compute.create(SPEC, token=str(uuid4()))
    with pytest.raises(Conflict, match="stop it first"):
        compute.resize(instance.id, "Standard_D4s_v5")


def test_a_size_without_zones_is_had_in_the_location_as_a_whole(arm, compute):
    instance = compute.create(InstanceSpec(machine_type="Standard_ND96isr_H100_v5"), token=str(uuid4()))
    assert "zones" not in asked(arm)[-1]
    assert instance.zone == "regional"


def test_a_zone_that_does_not_sell_the_size_is_told_with_those_that_do(compute):
    with pytest.raises(InvalidSpec, match="use one of 1, 2, 3"):
        compute.create(SPEC.model_copy(update={"zone": "9"}), token=str(uuid4()))


def test_openings_are_rules_of_a_security_group_of_its_own(arm, compute):
    made(
        arm,
        compute,
        open_ports=[{"port": 443, "source": "192.0.2.0/24"}, {"port": 53, "protocol": "udp", "source": "2001:db8::/32"}],
    )
    (group,) = asked(arm, "NetworkSecurityGroups_CreateOrUpdate")
    rules = [rule["properties"] for rule in group["properties"]["securityRules"]]
    assert [(rule["protocol"], rule["destinationPortRange"], rule["sourceAddressPrefix"]) for rule in rules] == [
        ("Tcp", "443", "192.0.2.0/24"),
        ("Udp", "53", "2001:db8::/32"),
    ]
    assert {(rule["direction"], rule["access"]) for rule in rules} == {("Inbound", "Allow")}


def test_a_security_group_of_ones_own_stays_when_its_machine_goes(arm, cloud, compute):
    group = cloud.native("network").network_security_groups.begin_create_or_update(
        "group", "mine", {"location": "eastus", "properties": {}}, api_version="2021-02-01"
    )
    overrides = {"security_group": group.result().id}
    instance = compute.create(SPEC.model_copy(update={"overrides": overrides, "public_address": True}), token=str(uuid4()))
    assert asked(arm, "NetworkInterfaces_CreateOrUpdate")[0]["properties"]["networkSecurityGroup"]["id"].endswith("/mine")
    compute.delete([instance.id])
    assert [thing["name"] for thing in arm.things("networkSecurityGroups")] == ["mine"]
    with pytest.raises(InvalidSpec, match="one security group"):
        made(arm, compute, overrides=overrides, open_ports=[{"port": 443, "source": "192.0.2.0/24"}])


def test_labels_name_and_token_are_on_all_that_is_made(arm, compute):
    token = str(uuid4())
    whole = {
        "name": "one",
        "public_address": True,
        "open_ports": [{"port": 443, "source": "192.0.2.0/24"}],
        "disks": [{"size": GIB}],
    }
    compute.create(SPEC.model_validate({**SPEC.model_dump(), **whole}), token=token)
    kinds = ("virtualMachines", "networkInterfaces", "publicIPAddresses", "networkSecurityGroups", "disks")
    for kind in kinds:
        things = arm.things(kind)
        assert things
        for thing in things:
            assert thing["tags"].items() >= {"team": "blue", labels.TOKEN: token, "cloudlayer-name": "one"}.items()


def test_the_network_of_our_own_is_made_once_and_stays(arm, compute):
    first, second = (compute.create(SPEC, token=str(uuid4())) for _ in range(2))
    compute.delete([first.id, second.id])
    assert len(asked(arm, "VirtualNetworks_CreateOrUpdate")) == 1
    assert [network["name"] for network in arm.things("virtualNetworks")] == ["cloudlayer-eastus"]


def test_a_subnet_can_be_named_by_its_network(arm, compute):
    made(arm, compute)  # its network is there from now on
    made(arm, compute, overrides={"subnet": "cloudlayer-eastus/cloudlayer"})
    card = asked(arm, "NetworkInterfaces_CreateOrUpdate")[-1]
    subnet = card["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"]
    assert subnet.endswith("/virtualNetworks/cloudlayer-eastus/subnets/cloudlayer")


@pytest.mark.parametrize(
    ("subnet", "line"), [("absent/inner", "is not there"), ("inner", "neither an id"), ("/subscriptions/x", "no id of")]
)
def test_a_wrong_subnet_is_told_before_anything_is_made(arm, compute, subnet, line):
    with pytest.raises(InvalidSpec, match=line):
        made(arm, compute, overrides={"subnet": subnet})
    assert not [call for call in arm.calls if call.verb != "GET"]


def test_user_data_is_in_no_answer_and_no_error(arm, compute):
    spec = SPEC.model_copy(update={"user_data": SCRIPT})
    instance = compute.create(spec, token=str(uuid4()))
    assert "a-secret" not in repr(instance)
    secret = base64.b64encode(SCRIPT.encode()).decode()
    assert secret not in json.dumps(compute.get(instance.id).native)
    arm.fault(method="VirtualMachines_CreateOrUpdate", code="AuthorizationFailed", status=403)
    with pytest.raises(CloudError) as caught:
        compute.create(spec, token=str(uuid4()))
    assert secret not in "".join(traceback.format_exception(caught.value)) and "a-secret" not in str(caught.value)


def test_the_console_log_is_read_without_credentials_from_where_azure_keeps_it(arm, compute):
    instance = compute.create(SPEC, token=str(uuid4()))
    assert compute.console_log(instance.id)
    (fetched,) = [call for call in arm.calls if call.method == "Blobs_Get"]
    assert "authorization" not in fetched.headers


def test_a_machine_that_has_written_nothing_yet_has_an_empty_log(arm, compute):
    instance = compute.create(SPEC, token=str(uuid4()))
    arm.fault(method="Blobs_Get", code="BlobNotFound", status=404)
    assert compute.console_log(instance.id) == ""


def test_names_suit_azure_however_long_the_users_are(arm, compute):
    instance = compute.create(SPEC.model_copy(update={"name": "n" * 40}), token=str(uuid4()))
    assert instance.name == "n" * 40
    assert all(
        len(thing["name"]) <= 64 for kind in ("virtualMachines", "disks", "networkInterfaces") for thing in arm.things(kind)
    )


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"azure-team": "x"}, "do not begin with microsoft, azure or windows"),
        ({"a/b": "x"}, "without <>%&"),
        ({"a": "x" * 257}, "values to 256"),
        ({"cloudlayer-place": "3"}, "but none of"),
        ({f"label-{number}": "x" for number in range(50)}, "are too many"),
    ],
)
def test_labels_that_azure_would_refuse_are_refused_before_any_call(arm, compute, wrong, line):
    with pytest.raises(InvalidSpec, match=line):
        made(arm, compute, labels=wrong)
    assert arm.calls == []


@pytest.mark.parametrize("told", [SCRIPT, base64.b64encode(SCRIPT.encode()).decode(), json.dumps(SCRIPT)])
def test_user_data_that_azure_repeats_in_a_refusal_is_not_told(arm, compute, told):
    arm.fault(
        method="VirtualMachines_CreateOrUpdate", code="InvalidParameter", status=400, message=f"customData: {told} is bad"
    )
    with pytest.raises(RejectedSpec) as caught:
        compute.create(SPEC.model_copy(update={"user_data": SCRIPT}), token=str(uuid4()))
    assert told not in repr(caught.value) and "a-secret" not in repr(caught.value)
    assert "customData: …" in str(caught.value).replace('"', "")
