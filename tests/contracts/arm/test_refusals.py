"""Ill-formed requests are refused, each for its own reason."""

import pytest

from tests.contracts.arm import bodies

MACHINE = bodies.path("virtualMachines", "machine", "Compute")
DISK = bodies.path("disks", "data", "Compute")


def told(answer):
    return answer.status_code, answer.json()["error"]["code"]


def without_location():
    body = bodies.machine()
    del body["location"]
    return body


@pytest.mark.parametrize(
    ("body", "code", "fault"),
    [
        (bodies.machine() | {"propertys": {}}, "InvalidRequestContent", "body.propertys: unknown property"),
        (bodies.machine(priority="cheap"), "InvalidRequestContent", "'cheap' is not one of"),
        (bodies.machine(hardwareProfile={"vmSize": 4}), "InvalidRequestContent", "4 is not a string"),
        (bodies.machine(priority=None), "InvalidRequestContent", "body.properties.priority: null"),
        (without_location(), "LocationRequired", "body.location: required"),
        (None, "InvalidRequestContent", "needs a body"),
    ],
    ids=["property", "enum", "type", "null", "location", "body"],
)
def test_a_body_that_is_no_machine_is_refused(arm, networked, ask, body, code, fault):
    assert told(ask("PUT", MACHINE, body)) == (400, code)
    assert any(fault in one for one in arm.faulty) and not arm.things("virtualMachines")


@pytest.mark.parametrize(
    ("version", "code"), [("2022-03-01", "NoRegisteredProviderFound"), ("newest", "InvalidApiVersionParameter")]
)
def test_another_version_of_the_api_is_refused(ask, arm, version, code):
    assert told(ask("GET", MACHINE, version=version)) == (400, code)


def test_a_version_of_the_api_must_be_given(ask, arm):
    assert told(ask("GET", f"{arm.url}{MACHINE}")) == (400, "MissingApiVersionParameter")


def test_an_unknown_query_parameter_is_refused(ask, arm):
    assert told(ask("GET", f"{MACHINE}?color=red")) == (400, "InvalidParameter")
    assert arm.faulty == ["VirtualMachines_Get: unknown query parameter color"]


def test_a_name_that_can_be_none_is_refused(ask):
    assert told(ask("GET", bodies.path("storageAccounts", "a", "Storage"), version="2021-04-01")) == (400, "AccountNameInvalid")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (MACHINE.replace("/group/", "/others/"), "ResourceGroupNotFound"),
        (MACHINE.replace("0001", "0002"), "SubscriptionNotFound"),
        (MACHINE, "ResourceNotFound"),
        (MACHINE.replace("virtualMachines", "virtualMachinez"), "InvalidResourceType"),
    ],
)
def test_what_is_not_there_is_not_found(ask, address, code):
    assert told(ask("GET", address)) == (404, code)


def test_a_call_without_credentials_is_refused(ask):
    assert told(ask("GET", MACHINE, Authorization=None)) == (401, "AuthenticationFailed")


def test_what_the_fake_does_not_have_it_says_so(ask):
    assert told(ask("GET", bodies.path("proximityPlacementGroups", "near", "Compute"))) == (501, "NotImplemented")


def change(**storage):
    body = bodies.machine()
    body["properties"]["storageProfile"] |= storage
    return body


def of(**properties):
    return bodies.machine(**properties)


ABSENT = {"networkInterfaces": [{"id": bodies.path("networkInterfaces", "absent")}]}
PASSWORDLESS = {"computerName": "machine", "adminUsername": "cloud"}
MISPLACED = {"path": "/root/.ssh/authorized_keys", "keyData": "ssh-rsa AAAA"}
TWICE = [{"lun": 0, "createOption": "Empty", "diskSizeGB": 1}] * 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (of(networkProfile=ABSENT), 400, "InvalidResourceReference"),
        (of(networkProfile={}), 400, "InvalidParameter"),
        (of(hardwareProfile={"vmSize": "Standard_Z1"}), 400, "InvalidParameter"),
        (of(osProfile=PASSWORDLESS), 400, "InvalidParameter"),
        (of(osProfile=PASSWORDLESS | {"linuxConfiguration": {"ssh": {"publicKeys": [MISPLACED]}}}), 400, "InvalidParameter"),
        (of(evictionPolicy="Delete"), 400, "InvalidParameter"),
        (of(virtualMachineScaleSet={"id": bodies.path("virtualMachineScaleSets", "absent", "Compute")}), 404, "NotFound"),
        (change(imageReference=bodies.UBUNTU | {"version": "1.0.0"}), 404, "PlatformImageNotFound"),
        (change(imageReference={"id": bodies.path("images", "absent", "Compute")}), 404, "ImageNotFound"),
        (change(osDisk={"createOption": "FromImage", "diskSizeGB": 5}), 409, "OperationNotAllowed"),
        (change(osDisk={"createOption": "Attach", "managedDisk": {"id": DISK}}), 404, "NotFound"),
        (change(dataDisks=TWICE), 400, "InvalidParameter"),
        (bodies.machine() | {"location": "mars"}, 400, "LocationNotAvailableForResourceType"),
        (bodies.machine() | {"location": "westus2"}, 400, "InvalidResourceReference"),
        (bodies.machine(size="Standard_ND96isr_H100_v5", zones=["1"]), 409, "SkuNotAvailable"),
    ],
)
def test_a_machine_that_cannot_be_had_is_refused_at_once(arm, networked, ask, body, status, code):
    assert told(ask("PUT", MACHINE, body)) == (status, code)
    assert not arm.things("virtualMachines") and not arm.faulty


@pytest.mark.parametrize(("zones", "asked"), [((), ()), (("1",), ("1",))])
def test_a_size_that_the_subscription_may_not_have_is_not_available(arm, networked, ask, zones, asked):
    arm.options.restricted = {"Standard_D2s_v5": zones}
    assert told(ask("PUT", MACHINE, bodies.machine(zones=asked))) == (409, "SkuNotAvailable")
    if zones:
        assert ask("PUT", MACHINE, bodies.machine(zones=["2"])).status_code == 201


@pytest.mark.parametrize(
    ("name", "more"),
    [("cores", {}), ("standardDSv5Family", {}), ("virtualMachines", {}), ("lowPriorityCores", {"priority": "Spot"})],
)
def test_a_machine_beyond_a_quota_is_refused_with_the_figures(arm, networked, ask, name, more):
    arm.options.quotas = {name: 0}
    answer = ask("PUT", MACHINE, bodies.machine(**more))
    assert told(answer) == (409, "OperationNotAllowed")
    assert "Current Limit: 0, Current Usage: 0, Additional Required:" in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["-machine", "machine-", "a" * 65, "ma chine"])
def test_a_machine_that_cannot_be_called_so_is_refused(networked, ask, name):
    answer = ask("PUT", bodies.path("virtualMachines", name, "Compute"), bodies.machine())
    assert told(answer) == (400, "InvalidResourceName")


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({f"tag{number}": "" for number in range(51)}, "TooManyTags"),
        ({"a" * 513: ""}, "InvalidTagNameLength"),
        ({"a": "b" * 257}, "InvalidTagValueLength"),
        ({"a/b": ""}, "InvalidTagNameCharacters"),
    ],
)
def test_tags_have_limits(ask, tags, code):
    assert told(ask("PUT", DISK, bodies.disk() | {"tags": tags}, "2020-12-01")) == (400, code)


def test_what_is_deallocated_counts_for_no_core(arm, running, ask):
    arm.options.quotas = {"cores": 2}
    running.network.network_interfaces.begin_create_or_update("group", "nic2", bodies.interface()).result()
    other = bodies.path("virtualMachines", "other", "Compute")
    assert told(ask("PUT", other, bodies.machine("nic2"))) == (409, "OperationNotAllowed")
    running.compute.virtual_machines.begin_deallocate("group", "machine").result()
    assert ask("PUT", other, bodies.machine("nic2")).status_code == 201


def test_addresses_have_a_quota(arm, ask):
    arm.options.quotas = {"PublicIPAddresses": 1}
    told_of = [
        ask("PUT", bodies.path("publicIPAddresses", name), bodies.address(), "2021-02-01").status_code for name in ("a", "b")
    ]
    assert told_of == [201, 400]
