"""Shares of Azure Files: an account each, its settings, and a command that mounts it."""

import shlex
from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, InvalidSpec, QuotaError
from cloudlayer.resources import ShareSpec
from cloudlayer.units import GIB, TIB

NFS = ShareSpec(name="models", size=200 * GIB, protocol="nfs", labels={"team": "blue"})
SMB = ShareSpec(name="models", size=5 * GIB, protocol="smb", labels={"team": "blue"})


@pytest.fixture
def storage(cloud):
    return cloud.storage


def changed(spec, **fields):
    return type(spec).model_validate({**spec.model_dump(), **fields})


def made(storage, spec):
    return storage.create_share(spec, token=str(uuid4()))


def account(arm):
    (found,) = arm.things("storageAccounts")
    return found


def test_an_nfs_share_is_premium_and_mounted_from_one_subnet_alone(arm, storage):
    share = made(storage, NFS)
    found = account(arm)
    assert (found["kind"], found["sku"]["name"], found["name"]) == ("FileStorage", "Premium_LRS", share.id)
    rules = found["properties"]["networkAcls"]
    assert rules["defaultAction"] == "Deny"
    (rule,) = rules["virtualNetworkRules"]
    (network,) = arm.things("virtualNetworks")
    (subnet,) = network["properties"]["subnets"]
    assert rule["id"] == subnet["id"]
    assert [one["service"] for one in subnet["properties"]["serviceEndpoints"]] == ["Microsoft.Storage"]
    assert found["properties"]["supportsHttpsTrafficOnly"] is False


def test_an_smb_share_is_standard_and_encrypted_on_the_way(arm, storage):
    made(storage, SMB)
    found = account(arm)
    assert (found["kind"], found["sku"]["name"]) == ("StorageV2", "Standard_LRS")
    assert found["properties"]["supportsHttpsTrafficOnly"] is True
    assert found["properties"]["minimumTlsVersion"] == "TLS1_2"
    assert found["properties"]["allowBlobPublicAccess"] is False


def test_the_second_nfs_share_finds_the_endpoint_made(arm, storage):
    for _ in range(2):
        made(storage, NFS)
    assert arm.count("Subnets_CreateOrUpdate") == 1


def test_another_subnet_must_have_the_endpoint(arm, cloud, storage):
    network = {"location": "eastus", "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}}
    network["properties"]["subnets"] = [{"name": "inner", "properties": {"addressPrefix": "10.9.0.0/24"}}]
    networks = cloud.native("network").virtual_networks
    networks.begin_create_or_update("group", "mine", network, api_version="2021-02-01", polling=False)
    arm.settle()
    with pytest.raises(InvalidSpec, match="az network vnet subnet update"):
        made(storage, changed(NFS, overrides={"subnet": "mine/inner"}))
    assert arm.things("storageAccounts") == []


def test_a_command_mounts_a_share_by_nfs(storage):
    share = made(storage, NFS)
    words = shlex.split(share.mount_command)
    host = f"{share.id}.file.core.windows.net"
    assert words[:5] == ["sudo", "mkdir", "-p", f"/mnt/{share.id}", "&&"]
    assert words[5:] == [
        *("sudo", "mount", "-t", "nfs", f"{host}:/{share.id}/share", f"/mnt/{share.id}"),
        *("-o", "vers=4,minorversion=1,sec=sys"),
    ]


def test_a_command_mounts_a_share_by_smb_with_a_file_that_has_the_key(storage):
    share = made(storage, SMB)
    words = shlex.split(share.mount_command)
    assert f"//{share.id}.file.core.windows.net/share" in words
    assert f"credentials=/etc/smbcredentials/{share.id}.cred" in words[-1].split(",")


def test_no_key_is_ever_asked_for(arm, storage):
    share = made(storage, SMB)
    storage.wait_share(share, "ready", timeout=300)
    storage.shares()
    assert arm.count("StorageAccounts_ListKeys") == 0


def test_a_share_is_as_large_as_azure_makes_them(storage):
    assert made(storage, changed(NFS, size=GIB)).size == 100 * GIB
    assert made(storage, changed(SMB, size=GIB + 1)).size == 2 * GIB


def test_a_large_smb_share_has_an_account_that_is_set_up_for_it(arm, storage):
    assert made(storage, changed(SMB, size=10 * TIB)).size == 10 * TIB
    assert account(arm)["properties"]["largeFileSharesState"] == "Enabled"


@pytest.mark.parametrize(("spec", "mend"), [(changed(SMB, size=101 * TIB), "at most 100TiB"), (SMB, "leave it out")])
def test_what_azure_has_not_is_refused_before_any_call(arm, storage, spec, mend):
    overrides = {"subnet": "mine/inner"} if spec == SMB else {}
    with pytest.raises(InvalidSpec, match=mend):
        made(storage, changed(spec, overrides=overrides))
    assert arm.calls == []


def test_labels_are_on_the_account_and_the_token_on_the_share(arm, storage):
    token = str(uuid4())
    share = storage.create_share(SMB, token=token)
    assert account(arm)["tags"]["team"] == "blue"
    (found,) = arm.things("storageAccounts/fileServices/shares")
    assert found["properties"]["metadata"] == {"token": token.replace("-", "")}
    assert storage.get_share(share.id).labels["team"] == "blue"


def test_a_share_that_is_refused_takes_its_account_back(arm, storage):
    arm.fault(method="FileShares_Create", code="QuotaExceeded", status=409)
    with pytest.raises(QuotaError):
        made(storage, SMB)
    assert arm.things("storageAccounts") == []


def test_an_account_that_is_told_of_once_it_is_made_is_waited_for(arm, storage):
    arm.fault(method="StorageAccounts_GetProperties", times=3, code="ResourceNotFound", status=404)
    assert storage.wait_share(made(storage, SMB), "ready", timeout=300).mount_command
    assert len(arm.things("storageAccounts")) == 1


def test_an_account_that_got_no_share_is_listed_as_one_that_is_being_made(arm, storage, clock):
    token = str(uuid4())
    arm.fault(method="FileShares_Create", code="AuthenticationFailed", status=401)
    with pytest.raises(Exception, match="AuthenticationFailed"):
        storage.create_share(SMB, token=token)
    arm.rules.clear()
    (found,) = storage.shares({"team": "blue"})
    assert (found.state, found.mount_command, found.size) == ("creating", None, 5 * GIB)
    assert storage.create_share(SMB, token=token).id == found.id
    assert storage.wait_share(found, "ready", timeout=300).mount_command


def test_somebody_elses_account_is_not_ours_to_delete(arm, cloud, storage):
    name = f"clf{uuid4().hex[:21]}"
    body = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    cloud.native("storage").storage_accounts.begin_create("group", name, body, polling=False)
    arm.settle()
    assert storage.shares() == []
    storage.delete_share(name)
    assert account(arm)["name"] == name


def test_a_name_that_is_taken_in_the_whole_world_is_a_conflict(arm, storage):
    token = str(uuid4())
    arm.options.taken = {f"clf{token.replace('-', '')[:21]}"}
    with pytest.raises(Conflict):
        storage.create_share(SMB, token=token)
