"""A machine with the docker engine, and a function that runs the Python it is sent, to look at its replica from inside."""

import io
import json
import os
import tarfile
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import docker
import pytest

from cloudlayer.interfaces import Deadline, MachineContext, ReplicaSpec, ReplicaState
from cloudlayer.labels import OWNER
from cloudlayer.runtime.registry import connect_engine

BASE_IMAGE = "cloudlayer/base:local"
MIB = 1024**2
INSIDE = """
def apply(code):
    scope = {}
    exec(code, scope)
    return [scope.get("result")]
"""


def pytest_collection_modifyitems(items):
    for item in items:
        if "runtime/docker" in str(item.path) and item.path.name != "test_form.py":
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
    engines: list = field(default_factory=list)
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)

    def machine(self, name="a"):
        return MachineContext(f"{name}-{self.owner}", self.folder / name, self.folder / "cache")

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
        request = urllib.request.Request(status.address, data=body.encode(), headers={"Content-Type": "text/plain"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def look(self, status, code):
        """What `code` leaves in `result` when it runs inside the replica."""
        code, answer = self.call(status, code)
        assert code == 200, answer
        return json.loads(answer)[0]

    def provoke(self, engine, code, **fields):
        """A replica that `code`, run inside of it, brought to its end."""
        status = self.ready(engine, **fields)
        with suppress(OSError):
            self.call(status, code)
        return self.until_ended(engine, status.id)


@pytest.fixture
def fleet(tmp_path, inside):
    with lasting(Fleet(tmp_path, inside)) as made:
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
def image():
    """Builds an image of the base and some lines of a Dockerfile; `files` go into its context. Returns its name."""
    client, made = docker.APIClient(base_url=os.environ.get("DOCKER_HOST") or None, version="auto"), []

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
