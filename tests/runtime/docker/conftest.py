"""A machine with the docker engine, and a function that runs the Python it is sent, to look at its replica from inside.

Tests of the modules in ON_BOTH run on this host, and again on a machine that is reached by SSH.
"""

import http.client
import io
import json
import os
import shutil
import socket
import tarfile
import tempfile
import uuid
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import docker
import pytest

from cloudlayer.interfaces import Deadline, MachineContext, ReplicaSpec, ReplicaState
from cloudlayer.labels import OWNER
from cloudlayer.runtime.hosts.ssh import SshHost
from cloudlayer.runtime.registry import connect_engine

ON_BOTH = {"test_replicas.py", "test_exits.py", "test_crashes.py", "test_models.py"}
BASE_IMAGE = "cloudlayer/base:local"
MIB = 1024**2
INSIDE = """
def apply(code):
    scope = {}
    exec(code, scope)
    return [scope.get("result")]
"""


def pytest_generate_tests(metafunc):
    chosen = any(marker.args[0] == "host" for marker in metafunc.definition.iter_markers("parametrize"))
    if Path(metafunc.module.__file__).name in ON_BOTH and "host" in metafunc.fixturenames and not chosen:
        metafunc.parametrize("host", ["here", pytest.param("there", marks=pytest.mark.hosts)], indirect=True)


def pytest_collection_modifyitems(items):
    for item in items:
        if "runtime/docker" in str(item.path) and item.path.name != "test_form.py" and not item.get_closest_marker("hosts"):
            item.add_marker(pytest.mark.docker)


@pytest.fixture(autouse=True)
def base_image(monkeypatch):
    monkeypatch.setenv("CLOUDLAYER_BASE_IMAGE", BASE_IMAGE)


@pytest.fixture(scope="session")
def inside(tmp_path_factory):
    """The source folder of the function that runs what it is sent."""
    folder = tmp_path_factory.mktemp("inside")
    (folder / "inside.py").write_text(INSIDE)
    return folder


@dataclass
class Fleet:
    """Engines of one test, on machines that nothing else uses, and what is started on them."""

    folder: object
    source: object
    host: object = None
    engines: list = field(default_factory=list)
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)

    def machine(self, name="a"):
        return MachineContext(f"{name}-{self.owner}", self.folder / name, self.folder / "cache", self.host)

    def engine(self, name="a"):
        """A controller's engine on machine `name`; a second call is a second controller's."""
        self.engines.append(connect_engine("docker", self.machine(name)))
        return self.engines[-1]

    def spec(self, **fields):
        origin = {} if "image" in fields else {"source": self.source}
        settled = {"id": str(uuid.uuid4()), "function": "test/Inside", "version": "1.0.0", "cpu": 1.0, "memory": 96 * MIB,
                   "internet": False, "labels": {OWNER: self.owner}}  # fmt: skip
        return ReplicaSpec(**{**settled, **origin, **fields})

    def ready(self, engine, **fields):
        """A started replica that accepts calls."""
        spec = self.spec(**fields)
        engine.start(spec)
        status = engine.wait(spec.id, deadline=Deadline.after(20))
        assert status.state is ReplicaState.READY, status
        return status

    def ended(self, engine, **fields):
        """A started replica that ended by itself."""
        spec = self.spec(**fields)
        engine.start(spec)
        return self.until_ended(engine, spec.id)

    @staticmethod
    def until_ended(engine, id):
        """The replica once it ended."""
        deadline = Deadline.after(20)
        while (status := engine.get(id)) is not None and status.state is not ReplicaState.EXITED:
            deadline.check("waiting for a replica to end")
        return status

    @staticmethod
    def call(status, body):
        """(HTTP status, answer) of one call of a replica."""
        url = urlsplit(status.address)
        connection = http.client.HTTPConnection(url.hostname or "replica", url.port, timeout=20)
        with closing(connection):
            if url.scheme == "unix":
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.settimeout(20)
                connection.sock.connect(url.path)
            connection.request("POST", "/", body.encode(), {"Content-Type": "text/plain"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def look(self, status, code):
        """What `code` leaves in `result` when it runs inside the replica."""
        code, answer = self.call(status, code)
        assert code == 200, answer
        return json.loads(answer)[0]

    def provoke(self, engine, code, **fields):
        """A replica that `code`, run inside of it, brought to its end."""
        status = self.ready(engine, **fields)
        with suppress(OSError, http.client.HTTPException):
            self.call(status, code)
        return self.until_ended(engine, status.id)


@pytest.fixture
def host(request):
    """How the machine is reached; None for this host."""
    if getattr(request, "param", "here") == "here":
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="ch-"))
    made = SshHost(request.getfixturevalue("hosts")(1)[0].access("operator"), name="box", folder=folder)
    assert made.wait_connected(Deadline.after(10)), made.reason
    yield made
    made.end()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fleet(tmp_path, inside, host):
    with lasting(Fleet(tmp_path, inside, host)) as made:
        yield made


@pytest.fixture(scope="module")
def lasting_fleet(tmp_path_factory, inside):
    """One fleet for all tests of a module that only look."""
    with pytest.MonkeyPatch.context() as patch, lasting(Fleet(tmp_path_factory.mktemp("fleet"), inside)) as made:
        patch.setenv("CLOUDLAYER_BASE_IMAGE", BASE_IMAGE)
        yield made


@contextmanager
def lasting(made):
    """The fleet; its replicas, networks and connections are gone afterwards."""
    yield made
    for name in {engine._machine.split("-")[0] for engine in made.engines}:
        engine = made.engine(name)
        for replica in engine.list():
            engine.stop(replica.id, grace=0)
    for engine in made.engines:
        engine.close()


@pytest.fixture
def engine(fleet):
    return fleet.engine()


@pytest.fixture
def image(host):
    """Builds an image of the base and some lines of a Dockerfile; `files` go into its context. Returns its name."""
    place = host.forward("unix:/run/docker.sock").replace("unix:", "unix://") if host else os.environ.get("DOCKER_HOST")
    client, made = docker.APIClient(base_url=place or None, version="auto"), []

    def build(*lines, files=()):
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as archive:
            for name, content in [("Dockerfile", "\n".join([f"FROM {BASE_IMAGE}", *lines])), *files]:
                entry = tarfile.TarInfo(name)
                entry.size = len(content.encode())
                archive.addfile(entry, io.BytesIO(content.encode()))
        made.append(f"cloudlayer/test:{uuid.uuid4().hex}")
        context.seek(0)
        said = list(client.build(fileobj=context, custom_context=True, tag=made[-1], rm=True, forcerm=True, decode=True))
        assert "aux" in said[-3] or "Successfully" in str(said[-1]), said
        return made[-1]

    yield build
    for tag in made:
        client.remove_image(tag, force=True)
    client.close()
