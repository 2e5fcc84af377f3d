"""Storage accounts and file shares of the fake Azure, asked for with Azure's own SDK."""

import pytest

from tests.contracts.arm import bodies
from tests.contracts.arm.conftest import Refused

STANDARD = bodies.located(kind="StorageV2", sku={"name": "Standard_LRS"})
FILES = bodies.located(kind="FileStorage", sku={"name": "Premium_LRS"})


def create(sdk, name="account1", body=STANDARD):
    return sdk.storage.storage_accounts.begin_create("group", name, body).result()


def share(sdk, name="share", **properties):
    return sdk.storage.file_shares.create("group", "account1", name, {"properties": properties})


def test_an_account_comes_and_goes_with_its_shares(arm, sdk):
    assert create(sdk).primary_endpoints.file == "https://account1.file.core.windows.net/"
    share(sdk, shareQuota=10, metadata={"purpose": "test"})
    assert [(one.name, one.metadata) for one in sdk.storage.file_shares.list("group", "account1")] == [
        ("share", {"purpose": "test"})
    ]
    sdk.storage.storage_accounts.delete("group", "account1")
    assert not list(sdk.storage.storage_accounts.list()) and not arm.things("storageAccounts/fileServices/shares")


def test_keys_are_two_until_they_are_made_anew(sdk):
    create(sdk)
    before = sdk.storage.storage_accounts.list_keys("group", "account1").as_dict()["keys"]
    after = sdk.storage.storage_accounts.regenerate_key("group", "account1", {"keyName": "key1"}).as_dict()["keys"]
    assert before[0]["value"] != after[0]["value"] and before[1] == after[1]


def test_a_new_account_is_told_of_by_a_location_alone(arm, sdk, ask):
    answer = ask("PUT", bodies.path("storageAccounts", "account1", "Storage"), STANDARD, "2021-04-01")
    assert answer.status_code == 202 and not answer.content and "Azure-AsyncOperation" not in answer.headers
    assert ask("GET", answer.headers["Location"]).json()["name"] == "account1"


@pytest.mark.parametrize("name", ["ab", "Account1", "account-1", "a" * 25])
def test_names_are_digits_and_lower_case_letters(sdk, ask, name):
    answer = ask("PUT", bodies.path("storageAccounts", name, "Storage"), STANDARD, "2021-04-01")
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "AccountNameInvalid"


def test_names_are_everybodys(arm, sdk):
    arm.options.taken = {"account1"}
    with Refused("StorageAccountAlreadyTaken", 409):
        create(sdk)
    check = sdk.storage.storage_accounts.check_name_availability
    told = {
        name: check({"name": name, "type": "Microsoft.Storage/storageAccounts"}).name_available for name in ("account1", "a2b")
    }
    assert told == {"account1": False, "a2b": True}


def test_the_kind_of_an_account_does_not_change(sdk):
    create(sdk)
    with Refused("PropertyChangeNotAllowed", 409):
        create(sdk, body=FILES)


@pytest.mark.parametrize(
    ("body", "sizes", "beyond"), [(STANDARD, (1, 5120), 5121), (FILES, (100, 102400), 99)], ids=["standard", "premium"]
)
def test_shares_have_bounds(sdk, body, sizes, beyond):
    create(sdk, body=body)
    for number, size in enumerate(sizes):
        assert share(sdk, f"share{number}", shareQuota=size).share_quota == size
    with Refused("InvalidHeaderValue", 400):
        share(sdk, "more", shareQuota=beyond)


def test_nfs_is_for_file_storage_alone(sdk):
    create(sdk)
    with Refused("FeatureNotSupportedForAccount", 400):
        share(sdk, enabledProtocols="NFS")
    create(sdk, "account2", FILES)
    made = sdk.storage.file_shares.create("group", "account2", "share", {"properties": {"enabledProtocols": "NFS"}})
    assert (made.enabled_protocols, made.root_squash) == ("NFS", "NoRootSquash")


def test_a_share_that_is_there_stays_as_it_is_until_it_is_changed(sdk):
    create(sdk)
    share(sdk, shareQuota=10)
    assert share(sdk, shareQuota=20).share_quota == 10
    assert sdk.storage.file_shares.update("group", "account1", "share", {"properties": {"shareQuota": 20}}).share_quota == 20
    sdk.storage.file_shares.delete("group", "account1", "share")
    with Refused("ResourceNotFound", 404):
        sdk.storage.file_shares.get("group", "account1", "share")


def test_shares_of_no_account_are_not_found(sdk):
    with Refused("ResourceNotFound", 404):
        share(sdk)


def test_the_rules_of_an_account_keep_no_subnet(networked):
    rules = {"defaultAction": "Deny", "virtualNetworkRules": [{"id": bodies.SUBNET}]}
    create(networked, body=FILES | {"properties": {"networkAcls": rules}})
    networked.network.network_interfaces.begin_delete("group", "nic").result()
    networked.network.virtual_networks.begin_delete("group", "net").result()
