"""Connecting: options, credentials, and what `doctor` tells."""

import subprocess
import sys
from dataclasses import replace

import pytest

import cloudlayer
from cloudlayer import InstanceSpec
from cloudlayer.errors import AuthError, InvalidSpec, Unsupported
from cloudlayer.providers.aws import connect
from tests.providers.aws.conftest import KEYS

SECRET = KEYS["secret_access_key"]


def test_connecting_by_name_and_region_makes_no_call(aws):
    cloud = cloudlayer.connect("aws:eu-west-1", endpoint_url=aws.url, **KEYS)
    assert (cloud.name, cloud.region, cloud.keeps_machines) == ("aws", "eu-west-1", True)
    assert aws.calls == []


def test_endpoint_region_and_credentials_come_from_the_environment(aws, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    cloud = connect(None, {})
    assert cloud.compute.list() == []
    assert {call.region for call in aws.calls} == {"us-west-2"}


def test_a_missing_region_is_told_with_the_mend():
    with pytest.raises(InvalidSpec, match="aws:us-east-1"):
        connect(None, KEYS)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"endpoint": "x"}, "aws.endpoint: unknown key; known here: access_key_id, endpoint_url"),
        ({"access_key_id": "AKIA"}, "give both or neither"),
        ({"profile": "absent"}, "aws.profile: "),
        ({"prices": "/absent.csv"}, "aws.prices: /absent.csv: cannot be read"),
    ],
)
def test_wrong_options_are_told_with_the_mend(options, line):
    with pytest.raises(InvalidSpec, match=line):
        connect("us-east-1", options)


def test_no_credentials_are_an_auth_error_and_doctor_says_where_to_put_them(aws):
    cloud = connect("us-east-1", {"endpoint_url": aws.url})
    with pytest.raises(AuthError) as caught:
        cloud.compute.list()
    assert caught.value.code == "NoCredentialsError"
    (line,) = cloud.check()
    assert "AWS_PROFILE" in line


def test_doctor_finds_nothing_wrong_where_all_is_well(aws, cloud):
    assert cloud.check() == []
    assert aws.launched == 0
    assert (
        cloud.native("ec2").describe_security_groups(Filters=[{"Name": "group-name", "Values": ["cloudlayer-check"]}])[
            "SecurityGroups"
        ]
        == []
    )


def test_doctor_names_the_permission_that_is_missing(aws, cloud):
    aws.fault(action="RunInstances", code="UnauthorizedOperation", status=403)
    (line,) = cloud.check()
    assert line.startswith("ec2:RunInstances: ")
    assert "allow ec2:RunInstances" in line


def test_doctor_tells_that_aws_cannot_be_reached(aws, cloud):
    aws.fault(refuse=True)
    (line,) = cloud.check()
    assert "HTTPS_PROXY" in line


def test_no_secret_is_shown(aws):
    cloud = connect("us-east-1", {"endpoint_url": aws.url, **KEYS})
    aws.fault(code="SignatureDoesNotMatch", status=403)
    with pytest.raises(AuthError) as caught:
        cloud.compute.list()
    shown = f"{cloud!r} {cloud.compute!r} {vars(cloud)!r} {caught.value} {cloud.check()}"
    assert SECRET not in shown


def test_replicas_run_on_ec2_in_containers_and_machines_are_reached_by_ssh(compute, cloud):
    spec = InstanceSpec(machine_type="m7i.large", image="ami-0a01", public_address=True)
    made = compute.create(spec, token="00000000-0000-4000-8000-000000000001")
    with pytest.raises(Unsupported, match="works on this host alone"):
        cloud.engine("process", made)
    with pytest.raises(Unsupported, match="reached by SSH"):
        cloud.engine("docker", made)
    assert cloud.capabilities.engines() == ("docker",)
    assert cloud.access(made).address == made.public_address
    assert cloud.access(replace(made, public_address=None)).address == made.private_address


def test_native_is_boto3s_own_client(cloud):
    assert cloud.native("ec2").meta.service_model.service_name == "ec2"


def test_the_sdk_is_loaded_when_aws_is_connected_and_not_before():
    script = "import sys, cloudlayer.providers.aws; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_missing_sdk_is_told_with_the_mend(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "cloudlayer.providers.aws.provider", raising=False)
    monkeypatch.delitem(sys.modules, "cloudlayer.providers.aws.client", raising=False)
    with pytest.raises(Unsupported, match=r"pip install 'cloudlayer\[aws\]'"):
        connect("us-east-1", {})
