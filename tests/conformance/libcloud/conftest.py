"""Two clouds behind Libcloud: its own dummy driver, and its EC2 driver at the fake AWS."""

from urllib.parse import urlsplit

import pytest

from cloudlayer.providers.libcloud.options import read
from cloudlayer.providers.libcloud.provider import LibcloudProvider
from cloudlayer.testing import SteppedClock
from tests.fakes.aws.server import FakeAws

TYPES = "m7i.large,m7i.xlarge,c7g.large,g5.xlarge,p4d.24xlarge"


@pytest.fixture(scope="session")
def server():
    aws = FakeAws()
    yield aws
    aws.close()


@pytest.fixture
def aws(server):
    server.reset()
    return server


@pytest.fixture(scope="session")
def connected(server):
    """One provider for all tests, as one of AWS: its sizes are read from megabytes of Python."""
    at, clock = urlsplit(server.url), SteppedClock()
    server.follow(clock)
    place = {"host": at.hostname, "port": at.port, "secure": False}
    options = read({"driver": "ec2", "key": "AKIATEST", "secret": "hidden-secret", "machine_types": TYPES, **place})
    return LibcloudProvider("us-east-1", options, clock=clock)


@pytest.fixture
def ec2(aws, connected):
    return connected
