"""Hosts of their own for tests that need machines: each is reached by SSH alone and has its own container engine.

The scripts of dev/hosts make them. A set that is up already is used and left as it is; DOCKER_HOSTS_TAG, _SUBNET and _HOME name
another set, beside the first. Of several workers each has a set of its own.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudlayer.interfaces import Access

_SCRIPTS = Path(__file__).parent.parent / "dev"
_PROGRAMS = ("dockerd", "ssh", "sshd", "ip", "iptables", "unshare", "sudo")
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_WAYS = ("kill", "freeze", "partition")
_HOME = Path(os.environ.get("DOCKER_HOSTS_HOME") or "/var/tmp/cloudlayer-hosts")

if (_worker := os.environ.get("PYTEST_XDIST_WORKER", "gw0")) != "gw0":
    _number = int(_worker.removeprefix("gw"))
    _HOME = _HOME.with_name(f"{_HOME.name}-{_worker}")
    os.environ |= {
        "DOCKER_HOSTS_TAG": f"chw{chr(ord('a') + _number)}",
        "DOCKER_HOSTS_SUBNET": f"10.251.{_number}",
        "DOCKER_HOSTS_HOME": str(_HOME),
    }


@dataclass(frozen=True)
class Box:
    """One host. Its users are root, and operator, who has sudo and the engine."""

    name: str
    address: str
    port: int
    key: Path
    known_hosts: Path
    host_key: str

    def access(self, user="root", **fields):
        """How cloudlayer reaches it."""
        return Access(**{"address": self.address, "port": self.port, "user": user, "key": self.key,
                         "host_keys": (self.host_key,), **fields})  # fmt: skip

    def ssh(self, command, user="root"):
        """What a shell command on it printed, by a connection that has nothing to do with ours."""
        options = ["-i", self.key, "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "BatchMode=yes", "-p", str(self.port)]
        return _output(["ssh", "-F", "none", *options, f"{user}@{self.address}", command])


class Hosts:
    """Hosts for one session of tests."""

    def __init__(self):
        self._home = _HOME
        self._boxes = []
        self._failed = set()
        self._found = (self._home / "hosts").is_dir()

    def __call__(self, count):
        """The first `count` hosts, up, with the base image in their engines."""
        if len(self._boxes) < count:
            lines = _script("hosts/hosts-up.sh", str(count)).splitlines()
            self._boxes = [self._box(*line.split()) for line in lines if line.startswith("host")]
            _script("docker/base-image.sh", *(str(self.engine(box.name)) for box in self._boxes))
        return self._boxes[:count]

    def engine(self, name):
        """The socket of a host's engine, as it is seen from outside."""
        return self._home / "hosts" / name / "sock" / "docker.sock"

    def fail(self, name, how):
        """Let a host fail: "kill" (a power cut), "freeze" or "partition"."""
        assert how in _WAYS, how
        self._failed.add(name)
        _script("hosts/hosts-fail.sh", name, how)

    def heal(self, name):
        """Let it be as before; returns once SSH and the engine answer."""
        _script("hosts/hosts-fail.sh", name, "heal")
        self._failed.discard(name)

    def heal_all(self):
        """Heal what a test let fail."""
        for name in sorted(self._failed):
            self.heal(name)

    def down(self):
        """Remove the hosts, unless they were there before."""
        if self._boxes and not self._found:
            _script("hosts/hosts-down.sh")

    def _box(self, name, address, port):
        keys = self._home / "ssh"
        host_key = " ".join((keys / "host_key.pub").read_text().split()[:2])
        return Box(name, address, int(port), keys / "id", keys / "known_hosts", host_key)


@pytest.fixture(scope="session")
def host_set():
    """Hosts for fixtures that outlive a test."""
    made = Hosts()
    yield made
    made.heal_all()
    made.down()


@pytest.fixture
def hosts(host_set):
    """`hosts(n)`, `hosts.fail(name, how)` and `hosts.heal(name)`; what failed is healed after the test."""
    yield host_set
    host_set.heal_all()


def missing():
    """Why there can be no hosts here; empty if there can."""
    if os.geteuid() != 0:
        return "hosts take root"
    absent = [program for program in _PROGRAMS if shutil.which(program, path=_PATH) is None]
    if absent:
        return f"{', '.join(absent)} not installed: dev/docker/install.sh"
    if not Path("/sys/fs/cgroup/freezer").is_dir():
        return "hosts take the freezer of cgroup v1"
    return ""


def _script(name, *arguments):
    return _output([_SCRIPTS / name, *arguments])


def _output(command):
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{command}: {ended.stderr}"
    return ended.stdout
