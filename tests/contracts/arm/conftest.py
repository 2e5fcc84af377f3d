"""The fake Azure and Azure's own SDKs, for the tests that hold the one against the other."""

import pytest
import requests
from azure.core.exceptions import HttpResponseError

from tests.contracts.arm import bodies
from tests.fakes.arm.clients import Clients
from tests.fakes.arm.server import FakeArm


@pytest.fixture(scope="module")
def server():
    fake = FakeArm()
    yield fake
    fake.close()


@pytest.fixture
def arm(server):
    """The fake, empty; its own answers are sound, whatever the test does."""
    server.reset()
    server.follow(Clock())
    yield server
    assert server.unsound == []


@pytest.fixture
def sdk(arm):
    """Azure's SDKs at the fake."""
    return Clients(arm)


@pytest.fixture
def networked(arm, sdk):
    """The SDKs at a fake with a network, an interface and an address."""
    sdk.network.virtual_networks.begin_create_or_update("group", "net", bodies.network()).result()
    sdk.network.public_ip_addresses.begin_create_or_update("group", "address", bodies.address()).result()
    sdk.network.network_interfaces.begin_create_or_update("group", "nic", bodies.interface()).result()
    return sdk


@pytest.fixture
def running(networked):
    """The SDKs at a fake with a machine that runs."""
    networked.compute.virtual_machines.begin_create_or_update("group", "machine", bodies.machine()).result()
    return networked


@pytest.fixture
def clock(arm):
    """The clock that operations run on."""
    clock = Clock()
    arm.follow(clock)
    return clock


@pytest.fixture
def ask(arm):
    """A call past every SDK: the answer, with the status in `status_code`."""

    def call(verb, path, body=None, version="2021-03-01", **headers):
        address = path if path.startswith("http") else f"{arm.url}{path}{'&' if '?' in path else '?'}api-version={version}"
        sent = {"Authorization": "Bearer local", **headers}
        return requests.request(verb, address, json=body, headers=sent, timeout=10)

    return call


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        """Seconds."""
        return self.now


class Refused:
    """A block that Azure refuses with a code."""

    def __init__(self, code, status=None):
        self.code = code
        self.status = status

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert isinstance(error, HttpResponseError), f"{self.code} was expected, not {error!r}"
        assert error.error.code == self.code
        assert self.status in (None, error.status_code)
        return True
