"""Azure as these tests see it: a fake that holds every request against the published schemas, with nothing else reachable."""

import pytest

from cloudlayer.providers.azure.options import Options
from cloudlayer.providers.azure.provider import AzureProvider
from cloudlayer.testing import SteppedClock
from tests.fakes.arm.server import FakeArm

VARIABLES = (
    *("AZURE_SUBSCRIPTION_ID", "AZURE_DEFAULTS_GROUP", "AZURE_DEFAULTS_LOCATION"),
    *("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
)


@pytest.fixture(scope="session")
def server():
    arm = FakeArm()
    yield arm
    arm.close()


@pytest.fixture(autouse=True)
def no_other_azure(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def arm(server, clock):
    """The fake, empty; whatever a test does, none of its answers departs from the schemas."""
    server.reset()
    server.follow(clock)
    yield server
    assert server.unsound == []


@pytest.fixture(scope="session")
def clock():
    return SteppedClock(step=0.001)


@pytest.fixture(scope="session")
def options(server):
    return {"subscription": server.subscription, "resource_group": server.group, "endpoint": server.url}


@pytest.fixture(scope="session")
def connected(server, clock, options):
    """One provider for all tests, since the SDK takes long to make a client."""
    return AzureProvider(server.location, Options(**options), clock=clock)


@pytest.fixture
def another(arm, clock, options):
    """Makes a provider of its own, with more options."""
    return lambda **more: AzureProvider(arm.location, Options(**options, **more), clock=clock)


@pytest.fixture
def cloud(arm, connected):
    return connected


@pytest.fixture
def compute(cloud):
    return cloud.compute
