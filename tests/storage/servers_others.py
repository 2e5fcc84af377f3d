"""Real servers for the stores that are no cloud's: HDFS, Swift, sshd; and the fake of Dropbox, which says that it is one.

Each fixture gives a server with `fresh()`: an empty place of its own, and the settings with which a store is connected to it.
A server that is up already is used and left as it is. One that the tests start is stopped by the last of the workers that
use it. Nothing is downloaded here: what was never installed skips, with the line that installs it.
"""

import fcntl
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import swiftclient

from cloudlayer.storage import registry

_SCRIPTS = Path(__file__).parents[2] / "dev" / "objects"
_HOMES = {"azurite": "AZURITE_HOME", "hdfs": "HDFS_HOME", "swift": "SWIFT_HOME", "sshd": "SSHD_HOME"}


@dataclass(frozen=True)
class Place:
    """An empty part of a server: what `registry.connect` takes, and how it is thrown away."""

    scheme: str
    authority: str
    settings: Mapping[str, Any]
    remove: Callable[[], None] = field(repr=False)

    def connect(self, **changes):
        """A store for it, with some settings changed; None takes one away."""
        settings = {name: value for name, value in {**self.settings, **changes}.items() if value is not None}
        return registry.connect(self.scheme, self.authority, self.scheme, settings)

    @property
    def uri(self):
        """Where keys start."""
        return f"{self.scheme}://{self.authority}/" if self.authority else f"{self.scheme}://"

    @property
    def stores(self):
        """What a client is connected with to reach it, as [stores] of the configuration file."""
        return {self.scheme: self.settings}


class Server:
    """A server of dev/objects. `variables` are what its `up.sh` prints."""

    def __init__(self, name):
        self.name = name
        self.variables = {}
        self._places = []
        self._home = _home(name)
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._users = (self._home / "tests").open("a+")
        self._started = self._home / "started-by-tests"

    def up(self):
        """Start it, or find it up; returns once it answers."""
        fcntl.flock(self._users, fcntl.LOCK_SH)
        ended = subprocess.run([_SCRIPTS / self.name / "up.sh"], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{self.name}: {ended.stderr}"
        if "is up already" not in ended.stderr:
            self._started.touch()
        lines = (line.removeprefix("export ").partition("=") for line in ended.stdout.splitlines())
        self.variables = {name: value for name, _, value in lines}
        return self

    def down(self):
        """Throw away what the tests made; stop it if they started it and no other worker uses it."""
        for place in self._places:
            place.remove()
        self._places.clear()
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if self._started.exists():
            subprocess.run([_SCRIPTS / self.name / "down.sh", "--wipe"], capture_output=True, check=True)
            self._started.unlink()
        self._users.close()

    def place(self, scheme, authority, settings, remove):
        """A place that is removed when the server goes down."""
        made = Place(scheme, authority, settings, remove)
        self._places.append(made)
        return made


class Hdfs(Server):
    """HDFS; `fresh()` is reached by RPC, `fresh_web()` by WebHDFS."""

    def __init__(self):
        super().__init__("hdfs")

    def fresh(self):
        return self._fresh("hdfs", "HDFS_RPC_PORT")

    def fresh_web(self):
        return self._fresh("webhdfs", "HDFS_HTTP_PORT")

    def call(self, method, path, operation, **parameters):
        """A call of WebHDFS that has nothing to do with ours."""
        url = f"{self.variables['HDFS_WEBHDFS_URL']}/webhdfs/v1{path}"
        asked = {"op": operation, "user.name": self.variables["HDFS_USER"], **parameters}
        answer = requests.request(method, url, params=asked, timeout=30)
        answer.raise_for_status()
        return answer

    def _fresh(self, scheme, port):
        root = f"/tmp/cloudlayer-tests-{uuid.uuid4().hex[:12]}"
        self.call("PUT", root, "MKDIRS")
        settings = {"root": root, "user": self.variables["HDFS_USER"]}
        authority = f"{self.variables['HDFS_HOST']}:{self.variables[port]}"
        return self.place(scheme, authority, settings, lambda: self.call("DELETE", root, "DELETE", recursive="true"))


class Swift(Server):
    """Swift; `fresh()` is a container, `fresh_s3()` one that is reached by Swift's S3 API."""

    def __init__(self):
        super().__init__("swift")

    def fresh(self):
        return self._fresh("swift", self._login())

    def fresh_s3(self):
        settings = {
            "endpoint": self.variables["SWIFT_S3_ENDPOINT"],
            "region": self.variables["SWIFT_S3_REGION"],
            "access_key": self.variables["SWIFT_S3_ACCESS_KEY"],
            "secret_key": self.variables["SWIFT_S3_SECRET_KEY"],
            "path_style": True,
        }
        return self._fresh("s3", settings)

    def client(self):
        """A client that has nothing to do with ours, as the owner of the account."""
        return swiftclient.Connection(
            self.variables["SWIFT_AUTH_URL"], self.variables["SWIFT_USER"], self.variables["SWIFT_KEY"], retries=0
        )

    def _fresh(self, scheme, settings):
        name = f"cloudlayer-tests-{uuid.uuid4().hex[:12]}"
        with closing(self.client()) as client:
            client.put_container(name)
        return self.place(scheme, name, settings, lambda: self._remove(name))

    def _remove(self, name):
        with closing(self.client()) as client:
            names = [found["name"] for found in client.get_account(full_listing=True)[1]]
            for container in names:
                if container in {name, f"{name}+segments"}:
                    # not by the client above, which sends "a/.." as ""
                    store = registry.connect("swift", container, "swift", self._login())
                    store.delete_many([info.key for page in store.list() for info in page.objects])
                    client.delete_container(container)

    def _login(self):
        names = {"auth_url": "SWIFT_AUTH_URL", "user": "SWIFT_USER", "key": "SWIFT_KEY"}
        return {name: self.variables[variable] for name, variable in names.items()}


class Sshd(Server):
    """OpenSSH's sshd, which serves files by SFTP."""

    def __init__(self):
        super().__init__("sshd")

    def fresh(self):
        root = Path(self.variables["SSHD_DATA"]) / uuid.uuid4().hex[:12]
        root.mkdir()
        settings = {
            "root": str(root),
            "user": self.variables["SSHD_USER"],
            "key_file": self.variables["SSHD_KEY"],
            "known_hosts": self.variables["SSHD_KNOWN_HOSTS"],
        }
        authority = f"{self.variables['SSHD_HOST']}:{self.variables['SSHD_PORT']}"
        return self.place("sftp", authority, settings, lambda: shutil.rmtree(root))


def missing(name):
    """Why a server of dev/objects cannot be used here; empty if it can."""
    if name == "sshd":
        path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
        return "" if shutil.which("sshd", path=path) else "sshd is not installed: apt-get install openssh-server"
    return "" if (_home(name) / ".installed").exists() else f"{name} is not installed: dev/objects/{name}/up.sh"


def _home(name):
    return Path(os.environ.get(_HOMES[name]) or f"/var/tmp/cloudlayer-{name}")


def _served(kind):
    made = kind()
    try:
        yield made.up()
    finally:
        made.down()


@pytest.fixture(scope="session")
def hdfs():
    """HDFS, up."""
    yield from _served(Hdfs)


@pytest.fixture(scope="session")
def swift():
    """Swift, up."""
    yield from _served(Swift)


@pytest.fixture(scope="session")
def sshd():
    """An sshd, up."""
    yield from _served(Sshd)


@pytest.fixture(scope="session")
def dropbox():
    """The fake of Dropbox's API; `fresh()` is an account of its own."""
    from tests.fakes.dropbox.server import DropboxServer

    with DropboxServer() as server:
        yield server
