"""Connecting: options, credentials, and what `doctor` tells."""

import subprocess
import sys
import traceback

import pytest

import cloudlayer
from cloudlayer.errors import AuthError, InvalidSpec, Unsupported
from cloudlayer.providers.azure import connect

SECRET = "hidden-secret"
PRINCIPAL = {"tenant_id": "00000000-0000-0000-0000-00000000000a", "client_id": "an-application", "client_secret": SECRET}


def test_connecting_by_name_and_location_makes_no_call(arm, options):
    cloud = cloudlayer.connect("azure:westeurope", **options)
    assert (cloud.name, cloud.region, cloud.keeps_machines) == ("azure", "westeurope", True)
    assert arm.calls == []


def test_subscription_group_and_location_come_from_the_environment(arm, monkeypatch):
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", arm.subscription)
    monkeypatch.setenv("AZURE_DEFAULTS_GROUP", arm.group)
    monkeypatch.setenv("AZURE_DEFAULTS_LOCATION", "westus2")
    cloud = connect(None, {"endpoint": arm.url})
    assert cloud.region == "westus2"
    assert cloud.compute.list() == []


@pytest.mark.parametrize(
    ("absent", "variable", "mend"),
    [
        ("subscription", "AZURE_SUBSCRIPTION_ID", "give the option subscription"),
        ("resource_group", "AZURE_DEFAULTS_GROUP", "az group create"),
        ("location", "AZURE_DEFAULTS_LOCATION", "azure:westeurope"),
    ],
)
def test_what_is_missing_is_told_with_the_mend(options, absent, variable, mend):
    given = {name: value for name, value in options.items() if name != absent}
    with pytest.raises(InvalidSpec, match=mend) as caught:
        connect(None if absent == "location" else "eastus", given)
    assert variable in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"group": "x"}, "azure.group: unknown key; known here: client_id, client_secret"),
        ({"tenant_id": "x"}, "give all three or none"),
        ({"prices": "/absent.csv"}, "azure.prices: /absent.csv: cannot be read"),
        ({"endpoint": "management.azure.com"}, "begin it with https://"),
        ({**PRINCIPAL, "tenant_id": "not a tenant!", "endpoint": "https://localhost"}, "azure.tenant_id: "),
    ],
)
def test_wrong_options_are_told_with_the_mend(options, wrong, line):
    with pytest.raises(InvalidSpec, match=line):
        connect("eastus", {**options, **wrong})


def test_no_credentials_are_sent_over_plain_http(arm, options):
    connect("eastus", {**options, **PRINCIPAL}).compute.list()
    assert {call.headers["authorization"] for call in arm.calls} == {"Bearer local"}


def test_no_answer_and_no_error_tells_the_secret(options):
    with pytest.raises(InvalidSpec) as caught:
        connect("eastus", {**options, **PRINCIPAL, "tenant_id": "not a tenant!", "endpoint": "https://localhost"})
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    cloud = connect("eastus", {**options, **PRINCIPAL})
    assert SECRET not in repr(vars(cloud)) + repr(vars(cloud._client)) + repr(cloud._client.options)


def test_a_service_that_is_not_there_is_told_with_those_that_are(cloud):
    with pytest.raises(InvalidSpec, match="compute, disks"):
        cloud.native("databases")


def test_the_sdks_own_client_can_be_had(cloud):
    assert [machine.name for machine in cloud.native("compute").virtual_machines.list("group", api_version="2021-03-01")] == []


def test_a_missing_resource_group_is_told_with_the_mend(arm, options):
    (line,) = connect("eastus", {**options, "resource_group": "absent"}).check()
    assert "az group create --name absent --location eastus`" in line
    assert "found.:" not in line and "list-locations" not in line


def test_a_location_that_there_is_not_is_told_by_doctor(arm, options):
    (line,) = connect("marsnorth", options).check()
    assert "marsnorth" in line and "az account list-locations" in line


def test_doctor_says_how_to_log_in(arm, cloud):
    arm.fault(code="InvalidAuthenticationToken", status=401)
    (line,) = cloud.check()
    assert "az login" in line and "AZURE_CLIENT_SECRET" in line


def test_doctor_names_the_action_that_is_not_allowed(arm, cloud):
    arm.fault(method="Disks_ListByResourceGroup", code="AuthorizationFailed", status=403)
    (line,) = cloud.check()
    assert line.startswith("Microsoft.Compute/disks/read: ") and "cloudlayer iam azure" in line


def test_doctor_tells_a_role_that_is_given_for_the_resource_group_alone(arm, cloud):
    arm.fault(method="VirtualMachines_ListAll", code="AuthorizationFailed", status=403)
    (line,) = cloud.check()
    assert line.startswith("Microsoft.Compute/virtualMachines/read: ")


def test_credentials_that_cannot_be_had_are_an_auth_error(options, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    cloud = connect("eastus", {**options, "endpoint": "https://127.0.0.1:9"})
    with pytest.raises(AuthError) as caught:
        cloud.compute.get("any")
    assert "\n" not in str(caught.value)
    assert "az login" in str(caught.value) and len(caught.value.message) < 400


def test_what_the_sdk_says_of_credentials_is_cut_to_one_sentence_and_nothing_of_it_is_logged_to_stderr(options):
    script = (
        "from cloudlayer.providers.azure import connect; "
        f"print(*connect('eastus', { ({**options, 'endpoint': 'https://127.0.0.1:9'})!r}).check(), sep='\\n')"
    )
    environment = {"PATH": "/nowhere", "AZURE_TOKEN_CREDENTIALS": "dev", "HOME": "/nowhere"}
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment)
    (line,) = ended.stdout.splitlines()
    assert "az login" in line and len(line) < 500
    assert ended.stderr == ""


def test_without_the_sdk_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "azure.core", None)
    monkeypatch.delitem(sys.modules, "cloudlayer.providers.azure.provider", raising=False)
    monkeypatch.delitem(sys.modules, "cloudlayer.providers.azure.client", raising=False)
    with pytest.raises(Unsupported, match=r"pip install 'cloudlayer\[azure\]'"):
        connect("eastus", {})


def test_importing_the_provider_and_its_policy_imports_no_sdk():
    script = (
        "import sys, cloudlayer.providers.azure as azure; azure.policy(); "
        "assert not [name for name in sys.modules if name.split('.')[0] == 'azure' or name.startswith('cryptography')]"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_package_is_imported_when_it_is_first_used(options):
    script = (
        "import sys; from cloudlayer.providers.azure import connect; "
        f"connect('eastus', {options!r}); "
        "assert not [name for name in sys.modules if name.startswith('azure.mgmt.') and '.core' not in name]"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
