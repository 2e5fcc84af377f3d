"""The fake Compute Engine, a clock that the tests move, and a client that knows nothing but HTTP."""

import pytest
import requests

from tests.contracts.gce.bodies import GROUP, REGION, ZONE, check, firewall, instance, rule, service
from tests.fakes.gce.server import FakeGce


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def move(self, seconds):
        self.now += seconds


class Client:
    """Calls the fake; paths are those below the project."""

    def __init__(self, fake, clock):
        self.root = f"{fake.url}/compute/v1/projects/"
        self._clock = clock
        self._session = requests.Session()
        self._session.headers["Authorization"] = "Bearer token"

    def ask(self, verb, path, body=None, project="proj", **query):
        """The answer to one call."""
        return self._session.request(verb, f"{self.root}{project}/{path}".rstrip("/"), json=body, params=query)

    def get(self, path, **query):
        """A document that is there."""
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def begin(self, verb, path, body=None, **query):
        """The operation that a call answers."""
        answer = self.ask(verb, path, body, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end(self, operation):
        """The operation when it is over."""
        path = operation["selfLink"].partition("/projects/proj/")[2]
        for _ in range(100):
            operation = self.get(path)
            if operation["status"] == "DONE":
                return operation
            self._clock.move(1.0)
        raise AssertionError(f"not over: {operation}")

    def do(self, verb, path, body=None, **query):
        """The operation of a call that goes well, when it is over."""
        operation = self.end(self.begin(verb, path, body, **query))
        assert "error" not in operation, operation["error"]
        return operation

    def failed(self, verb, path, body=None, **query):
        """The error code that the operation of a call ends with."""
        operation = self.end(self.begin(verb, path, body, **query))
        return operation["error"]["errors"][0]["code"]

    def health(self, service, group):
        """The state of each member of a group that is a backend, by its name."""
        answer = self.ask("POST", f"{service}/getHealth", {"group": group})
        assert answer.status_code == 200, answer.text
        return {one["instance"].rpartition("/")[2]: one["healthState"] for one in answer.json().get("healthStatus", ())}

    def refused(self, verb, path, body=None, **query):
        """The status and the reason with which a call is refused."""
        answer = self.ask(verb, path, body, **query)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


@pytest.fixture(scope="session")
def server():
    fake = FakeGce()
    yield fake
    fake.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gce(server, clock):
    server.reset()
    server.follow(clock)
    return server


@pytest.fixture(autouse=True)
def every_answer_is_sound(gce):
    yield
    assert gce.unsound == []


@pytest.fixture
def client(gce, clock):
    return Client(gce, clock)


@pytest.fixture
def backends(client):
    """Two instances in a group made by hand, a check, and a rule that lets it in."""
    for name in ("one", "two"):
        client.do("POST", f"{ZONE}/instances", instance(name))
    client.do("POST", f"{ZONE}/instanceGroups", {"name": "hand", "namedPorts": [{"name": "http", "port": 80}]})
    members = [{"instance": f"{ZONE}/instances/{name}"} for name in ("one", "two")]
    client.do("POST", f"{GROUP}/addInstances", {"instances": members})
    client.do("POST", f"{REGION}/healthChecks", check())
    client.do("POST", "global/firewalls", firewall())


@pytest.fixture
def balancer(client, backends):
    """An internal passthrough load balancer."""
    client.do("POST", f"{REGION}/backendServices", service(groups=[GROUP]))
    client.do("POST", f"{REGION}/forwardingRules", rule())
