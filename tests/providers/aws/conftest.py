"""AWS as these tests see it: moto behind fault rules, with nothing else reachable."""

import pytest

from cloudlayer.providers.aws.options import Options
from cloudlayer.providers.aws.provider import AwsProvider
from cloudlayer.testing import SteppedClock
from tests.fakes.aws.server import FakeAws

TYPES = "m7i.large,m7i.xlarge,c7g.large,g5.xlarge,g5.12xlarge,p4d.24xlarge"
KEYS = {"access_key_id": "AKIATEST", "secret_access_key": "hidden-secret"}


@pytest.fixture(scope="session")
def server():
    aws = FakeAws()
    yield aws
    aws.close()


@pytest.fixture(autouse=True)
def no_other_aws(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def aws(server):
    server.reset()
    return server


@pytest.fixture(scope="session")
def connected(server):
    """One provider for all tests, since boto3 takes long to make a client."""
    options = Options(endpoint_url=server.url, machine_types=TYPES, **KEYS)
    return AwsProvider("us-east-1", options, clock=SteppedClock())


@pytest.fixture
def cloud(aws, connected):
    aws.follow(
        connected.load_balancing.clock
    )  # at each test: moto is one for the whole process, and others let it follow clocks of their own
    return connected


@pytest.fixture
def compute(cloud):
    return cloud.compute


@pytest.fixture
def ec2(cloud):
    return cloud.native("ec2")
