"""Google Cloud as these tests see it: the schema-checked fake of Compute Engine, with nothing else reachable."""

import pytest

from cloudlayer.providers.gcp.options import Options
from cloudlayer.providers.gcp.provider import GcpProvider
from cloudlayer.testing import SteppedClock
from tests.fakes.gce.server import FakeGce

REGION = "us-central1"
TYPES = "e2-small,e2-medium,e2-standard-4,n1-standard-8*,n2-standard-8,t2a-standard-1,g2-standard-4,a2-highgpu-2g"
TOKEN = "driver-secret"


@pytest.fixture(scope="session")
def server():
    gce = FakeGce()
    yield gce
    gce.close()


@pytest.fixture(autouse=True)
def no_other_google(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    for name in (
        *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_REGION"),
        *("GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT", "CLOUDSDK_COMPUTE_REGION"),
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def gce(server):
    server.reset()
    yield server
    server.rules.clear()
    assert server.unsound == []


@pytest.fixture(scope="session")
def clock(server):
    stepped = SteppedClock(step=0.001)
    server.follow(stepped)
    return stepped


@pytest.fixture(scope="session")
def connected(server, clock):
    """One provider for all tests."""
    options = Options(project="proj", endpoint=server.url, access_token=TOKEN, machine_types=TYPES)
    return GcpProvider(REGION, options, clock=clock)


@pytest.fixture
def cloud(gce, connected):
    return connected


@pytest.fixture
def compute(cloud):
    return cloud.compute


@pytest.fixture
def another(gce, clock):
    """Connects once more, with other options."""

    def connect(region=REGION, **options):
        given = {"project": "proj", "endpoint": gce.url, "access_token": TOKEN, "machine_types": TYPES, **options}
        return GcpProvider(region, Options(**given), clock=clock)

    return connect
