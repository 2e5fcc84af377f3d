"""Images reach machines that are an address and an SSH port: built once, each layer sent once, whatever is cut on the way."""

import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bcrypt
import docker
import pytest

from cloudlayer.interfaces import Deadline, MachineContext, ReplicaSpec, ReplicaState
from cloudlayer.labels import OWNER
from cloudlayer.runtime.docker.registry import way
from cloudlayer.runtime.docker.registry.way import Way
from cloudlayer.runtime.hosts.ssh import SshHost
from cloudlayer.runtime.registry import connect_engine

pytestmark = [pytest.mark.hosts, pytest.mark.docker, pytest.mark.registry]
MIB = 2**20


class Machine:
    """A machine with the docker engine, as a controller has it."""

    def __init__(self, box, folder, cache, sockets):
        self.box = box
        self.host = SshHost(box.access(), name=box.name, folder=sockets / box.name)
        self.host.wait_connected(Deadline.after(10))
        self.engine = connect_engine(
            "docker", MachineContext(f"{box.name}-{uuid.uuid4()}", folder / box.name, cache, self.host)
        )
        self.client = self.engine._client

    def received(self):
        """Bytes that came to it, counted on its link."""
        return int(self.box.ssh("cat /sys/class/net/eth0/statistics/rx_bytes"))

    def images(self):
        return {tag for image in self.client.images() for tag in image["RepoTags"] or ["<none>"]}

    def close(self):
        for replica in self.engine.list():
            self.engine.stop(replica.id, grace=0)
        for image in self.client.images(name="cloudlayer/function"):
            self.client.remove_image(image["Id"], force=True)
        self.engine.close()
        self.host.end()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """What all these tests share: the registry's storage above all, so that the base image is packed once."""
    return tmp_path_factory.mktemp("home") / "cache"


@pytest.fixture
def machines(hosts, tmp_path, cache, monkeypatch):
    """`machines(n)`: machines of one controller; what they are given is removed afterwards."""
    monkeypatch.setenv("CLOUDLAYER_BASE_IMAGE", "cloudlayer/base:local")
    sockets, made = Path(tempfile.mkdtemp(prefix="clim-", dir="/tmp")), []

    def make(count):
        made.extend(Machine(box, tmp_path, cache, sockets) for box in hosts(count))
        return made

    local = docker.APIClient(base_url=os.environ.get("DOCKER_HOST") or None, version="auto")
    before = {image["Id"] for image in local.images(name="cloudlayer/function")}
    yield make
    hosts.heal_all()
    for machine in made:
        machine.host.wait_connected(Deadline.after(20))
        machine.close()
    for image in {image["Id"] for image in local.images(name="cloudlayer/function")} - before:
        local.remove_image(image, force=True)
    local.close()
    shutil.rmtree(sockets)


@pytest.fixture
def spec(tmp_path):
    """`spec(words, size)`: a replica of a function that answers `words` and has a file of `size` bytes that do not shrink."""

    def make(words="hello", size=0, seed=None):
        folder = tmp_path / f"source-{uuid.uuid4()}"
        folder.mkdir()
        (folder / "main.py").write_text(f"def apply(input):\n    return ['{words} {folder.name}']\n")
        if size:
            (folder / "weights").write_bytes(random.Random(seed or folder.name).randbytes(size))
        return ReplicaSpec(
            id=str(uuid.uuid4()), function="test/Words", version="1", cpu=1.0, memory=96 * MIB, source=folder, internet=False,
            labels={OWNER: "test"},
        )  # fmt: skip

    return make


def at_once(machines, work):
    with ThreadPoolExecutor() as threads:
        return list(threads.map(work, machines))


def function_images(machines):
    return {image["Id"] for machine in machines for image in machine.client.images(name="cloudlayer/function")}


def test_one_build_runs_on_every_machine(machines, spec):
    wanted, three = spec(), machines(3)
    before = function_images(three)  # what other tests left on these hosts
    at_once(three, lambda machine: machine.engine.prepare(wanted))
    assert len(function_images(three) - before) == 1
    three[2].engine.start(wanted)
    assert three[2].engine.wait(wanted.id, deadline=Deadline.after(30)).state is ReplicaState.READY


def test_a_second_version_sends_what_is_new(machines, spec):
    (machine,) = machines(1)
    machine.engine.prepare(spec("first", size=8 * MIB, seed=5))
    before = machine.received()
    machine.engine.prepare(spec("second", size=8 * MIB, seed=5))
    assert machine.received() - before < MIB / 4


def test_no_name_of_the_way_is_left_on_the_machine(machines, spec):
    (machine,) = machines(1)
    machine.engine.prepare(spec(size=40 * MIB))
    assert {name.partition(":")[0] for name in machine.images()} <= {"cloudlayer/base", "cloudlayer/function"}


def test_a_cut_in_the_middle_is_survived(machines, spec, hosts):
    (machine,) = machines(1)
    wanted = spec(size=120 * MIB)
    ended = []

    def prepare():
        try:
            ended.append(machine.engine.prepare(wanted, deadline=Deadline.after(120)))
        except Exception as error:
            ended.append(error)

    link = Path(f"/sys/class/net/{os.environ.get('DOCKER_HOSTS_TAG', 'cldh')}1/statistics/tx_bytes")
    before, until = int(link.read_text()), time.monotonic() + 90
    thread = threading.Thread(target=prepare)
    thread.start()
    while int(link.read_text()) - before < 30 * MIB and time.monotonic() < until:
        time.sleep(0.005)
    hosts.fail("host1", "partition")
    while machine.host.connected and time.monotonic() < until:  # shorter cuts are nothing to TCP
        time.sleep(0.02)
    assert ended == []
    hosts.heal("host1")
    thread.join(90)
    assert ended == [None]
    assert machine.client.images(name="cloudlayer/function")


def test_without_a_registry_the_whole_image_is_sent(machines, spec, monkeypatch, caplog):
    monkeypatch.setattr("cloudlayer.runtime.docker.registry.process.program", lambda: None)
    (machine,) = machines(1)
    machine.engine.prepare(spec())
    assert machine.client.images(name="cloudlayer/function")
    assert "install docker-registry" in caplog.text


def test_without_an_engine_here_the_first_machine_builds_for_all(machines, spec, monkeypatch, tmp_path):
    wanted, two = spec(), machines(2)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    at_once(two, lambda machine: machine.engine.prepare(wanted))
    ids = {image["Id"] for machine in two for image in machine.client.images(name="cloudlayer/function")}
    assert len(ids) == 1


def test_other_users_of_a_machine_cannot_read_images(machines, spec):
    (machine,) = machines(1)
    machine.engine.prepare(spec())
    registry = machine.engine._images._delivery._supply.registry
    ask = (
        "import urllib.request as u, urllib.error as e\n"
        "try: print(u.urlopen('http://PLACE/v2/_catalog').status)\n"
        "except e.HTTPError as error: print(error.code)"
    )
    with Way(machine.host, registry._server.reader, lambda doing: None) as opened:
        asked = ask.replace("PLACE", opened.address())
        assert machine.box.ssh(f'python3 -c "{asked}"').strip() == "401"
    assert not machine.host.accepts(f"http://{opened.address()}"), "the way is there for a delivery alone"


def test_a_port_that_somebody_has_is_left_alone(machines, spec, monkeypatch):
    (machine,) = machines(1)
    monkeypatch.setattr(way, "_first_port", lambda name, socket: 22345)
    listen = (
        "import socket,time; s=socket.socket(); s.bind(('127.0.0.1',22345)); s.listen(); print(1,flush=True); time.sleep(60)"
    )
    taker = machine.host.run(["sh", "-c", f'python3 -c "{listen}" >/dev/null 2>&1 & echo $!'])
    until = time.monotonic() + 10
    while not machine.host.accepts("http://127.0.0.1:22345") and time.monotonic() < until:
        time.sleep(0.02)
    try:
        machine.engine.prepare(spec())
    finally:
        machine.host.run(["kill", taker.decode().strip()])
    assert machine.client.images(name="cloudlayer/function")


def test_the_least_recently_used_images_go_when_the_disk_is_full(machines, spec, monkeypatch):
    (machine,) = machines(1)
    first, second = spec("first"), spec("second")
    machine.engine.start(first)
    machine.engine.wait(first.id, deadline=Deadline.after(30))
    machine.engine.prepare(second)
    before = machine.images()
    monkeypatch.setattr("cloudlayer.runtime.docker.pruning.MARK", -1.0)
    monkeypatch.setattr("cloudlayer.runtime.docker.pruning.SPARED", 0.0)
    machine.engine.prepare(spec("third"))
    assert len(before - machine.images()) == 1  # the first's container runs


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """A registry of somebody else's, behind a password that "docker login" left for the controller's user: host:port."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "htpasswd").write_text(f"ann:{bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}\n")
    address = "127.0.0.1:23456"
    settings = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": address},
        "auth": {"htpasswd": {"realm": "x", "path": str(folder / "htpasswd")}},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    process = subprocess.Popen(["docker-registry", "serve", folder / "config.yml"], stderr=subprocess.DEVNULL)
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": "YW5uOnNlY3JldA=="}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.setenv("CLOUDLAYER_REGISTRY", f"{address}/team")
    yield address
    process.kill()
    process.wait()


def test_the_registry_that_is_configured_is_used_with_the_user_s_login(machines, spec, configured, tmp_path):
    wanted, two = spec(), machines(2)
    for machine in two:
        machine.host.expose(f"http://{configured}", f"http://{configured}")
        machine.engine.prepare(wanted)
    stored = tmp_path / "elsewhere" / "storage/docker/registry/v2/repositories/team/cloudlayer-function"
    assert stored.is_dir()
    assert all("cloudlayer/function" in " ".join(machine.images()) for machine in two)
    assert not any(configured in name for machine in two for name in machine.images())
    assert two[0].box.ssh("cat /root/.docker/config.json 2>/dev/null || echo nothing").strip() == "nothing"
