"""Real OpenStack services behind a proxy that brings faults about; `make openstack-up` starts some."""

import fcntl
from pathlib import Path
from tempfile import gettempdir

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.providers.openstack.options import Options
from cloudlayer.providers.openstack.provider import OpenStackProvider
from tests.conftest import missing
from tests.fakes.openstack.cloud import NAME, RealCloud
from tests.fakes.openstack.faults import MovedClock, OpenstackFaults

PRICES = Path(__file__).with_name("prices.csv")


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """The services, directly and through the proxy."""
    if reason := missing("openstack"):
        pytest.skip(reason)
    cloud = RealCloud(tmp_path_factory.mktemp("openstack"))
    yield cloud
    cloud.close()


@pytest.fixture(scope="session")
def moved_clock():
    """The clock of the connected provider."""
    return MovedClock()


@pytest.fixture(scope="session")
def cloud(real, moved_clock):
    """The provider, connected through the proxy; one for all tests, since each logs in anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(real.file))
        provider = OpenStackProvider(None, Options(cloud=NAME, prices=str(PRICES)), clock=moved_clock)
        for interface in (provider.compute, provider.autoscaling, provider.load_balancing, provider.storage):
            interface.poll = 0.5
        return provider


@pytest.fixture
def compute(cloud):
    return cloud.compute


@pytest.fixture
def faults(real, moved_clock):
    found = OpenstackFaults(real, moved_clock)
    yield found
    found.clear()


@pytest.fixture
def all_gpus():
    """All GPUs for one test at a time, whichever process it runs in: there are eight."""
    with (Path(gettempdir()) / "cloudlayer-tests-openstack-gpus.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def small():
    """A spec that the seeded services have room for many times."""
    return InstanceSpec(machine_type="m1.tiny", image="tiny")
