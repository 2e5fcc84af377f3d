"""Connecting: options, credentials, project and region, and what `doctor` tells of them."""

import json
import subprocess
import sys

import pytest

import cloudlayer
from cloudlayer.errors import AuthError, InvalidSpec, NotFound, TransientError, Unsupported
from cloudlayer.providers.gcp import connect
from tests.providers.gcp.conftest import TOKEN


def key_file(tmp_path, **fields):
    path = tmp_path / "key.json"
    path.write_text(json.dumps(fields))
    return str(path)


def test_connecting_by_name_and_region_makes_no_call(gce):
    cloud = cloudlayer.connect("gcp:europe-west4", endpoint=gce.url, access_token=TOKEN)
    assert (cloud.name, cloud.region, cloud.keeps_machines) == ("gcp", "europe-west4", True)
    assert gce.calls == []


@pytest.mark.parametrize("variable", ["GOOGLE_CLOUD_REGION", "CLOUDSDK_COMPUTE_REGION"])
def test_region_and_project_come_from_the_environment(gce, monkeypatch, variable):
    monkeypatch.setenv(variable, "europe-west4")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "proj")
    cloud = connect(None, {"endpoint": gce.url, "access_token": TOKEN})
    assert cloud.region == "europe-west4"
    assert cloud.compute.list() == []
    assert gce.calls[-1].path.startswith("/compute/v1/projects/proj/")


def test_a_missing_region_is_told_with_the_mend():
    with pytest.raises(InvalidSpec, match="gcp:us-central1"):
        connect(None, {})


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"zone": "x"}, "gcp.zone: unknown key; known here: access_token, billing_endpoint"),
        ({"credentials_file": "/absent.json"}, "gcp.credentials_file: /absent.json is not there"),
        ({"credentials_file": "/absent.json", "project": "proj"}, "gcp.credentials_file: /absent.json is not there"),
        ({"prices": "/absent.csv"}, "gcp.prices: /absent.csv: cannot be read"),
    ],
)
def test_wrong_options_are_told_with_the_mend(options, line):
    with pytest.raises(InvalidSpec, match=line):
        connect("us-central1", options)


def test_a_key_that_is_no_json_is_told_without_its_content(tmp_path):
    path = tmp_path / "key.json"
    path.write_text("secret words")
    with pytest.raises(InvalidSpec, match="is no JSON") as caught:
        connect("us-central1", {"credentials_file": str(path)})
    assert "secret words" not in str(caught.value)


def test_the_project_of_a_key_file_is_taken_where_none_is_named(tmp_path):
    path = key_file(tmp_path, type="service_account", project_id="from-the-key")
    assert connect("us-central1", {"credentials_file": path})._client.project == "from-the-key"
    assert connect("us-central1", {"credentials_file": path, "project": "mine"})._client.project == "mine"


def test_a_key_that_google_cannot_read_is_an_auth_error(tmp_path):
    path = key_file(tmp_path, type="service_account", project_id="proj")
    with pytest.raises(AuthError, match="gcloud auth application-default login"):
        connect("us-central1", {"credentials_file": path}).compute.list()


def test_without_any_project_doctor_says_where_to_name_one(gce):
    cloud = connect("us-central1", {"endpoint": gce.url, "access_token": TOKEN})
    (line,) = cloud.check()
    assert "GOOGLE_CLOUD_PROJECT" in line
    with pytest.raises(InvalidSpec, match=r"gcp\.project"):
        cloud.compute.list()


def test_without_credentials_doctor_says_how_to_get_some():
    (line,) = connect("us-central1", {"project": "proj"}).check()
    assert line.count("gcloud auth application-default login") == 1
    assert len(line) < 300


def test_at_another_endpoint_no_credentials_are_needed_to_ask(gce):
    cloud = connect("us-central1", {"endpoint": gce.url, "project": "proj"})
    with pytest.raises(AuthError):
        cloud.compute.list()
    assert "authorization" not in gce.calls[-1].headers


def test_a_cloud_that_is_not_reachable_is_a_passing_fault_and_doctor_says_so(another):
    cloud = another(endpoint="http://127.0.0.1:1")
    with pytest.raises(TransientError) as caught:
        cloud.compute.list()
    assert caught.value.code == "ConnectionError"
    (line,) = cloud.check()
    assert "reachable" in line


def test_no_secret_is_in_what_is_printed(cloud, gce):
    assert TOKEN not in repr(cloud._client.options)
    gce.fault(code="authError", status=401)
    with pytest.raises(AuthError) as caught:
        cloud.compute.list()
    assert TOKEN not in str(caught.value)


def test_native_is_the_sdks_own_client(cloud):
    zones = cloud.native("zones").list(project="proj")
    assert "us-central1-a" in {zone.name for zone in zones}


def test_without_the_sdk_the_mend_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudlayer.providers.gcp.provider", None)
    with pytest.raises(Unsupported, match=r"pip install 'cloudlayer\[gcp\]'"):
        connect("us-central1", {})


def test_the_sdk_is_imported_by_connecting_alone():
    script = (
        "import sys, cloudlayer.providers.gcp as gcp; gcp.policy(); "
        "assert not [name for name in sys.modules if name.startswith('google')]"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_region_that_there_is_not_is_told_with_the_mend(another):
    cloud = another(region="us-mars1")
    (line,) = cloud.check()
    assert "us-mars1" in line and "gcloud compute regions list" in line
    with pytest.raises(NotFound, match="gcloud compute regions list"):
        cloud.compute.offers()
