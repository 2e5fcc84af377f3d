"""Images as engines save them, without an engine; a registry of the test's own; and a wire that can be cut."""

import hashlib
import io
import json
import socket
import tarfile
import threading
from contextlib import suppress

import pytest

from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.registry.catalogue import Catalogue
from cloudlayer.runtime.docker.registry.client import Client
from cloudlayer.runtime.docker.registry.own import REPOSITORY
from cloudlayer.runtime.docker.registry.server import Server
from cloudlayer.runtime.hosts.local import LocalHost


def digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def saved(layers, *, old=True):
    """What `docker save` writes of an image with these layers, in the form of old or of new engines."""
    rootfs = {"type": "layers", "diff_ids": list(map(digest, layers))}
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}).encode()
    names = [f"{digest(layer)[7:20]}/layer.tar" if old else f"blobs/sha256/{digest(layer)[7:]}" for layer in layers]
    config_name = f"{digest(config)[7:]}.json" if old else f"blobs/sha256/{digest(config)[7:]}"
    manifest = json.dumps([{"Config": config_name, "RepoTags": ["a:b"], "Layers": names}]).encode()
    files = dict(sorted({**dict(zip(names, layers, strict=True)), config_name: config}.items()))
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in {**files, "manifest.json": manifest}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


class SavingClient:
    """An engine's client that can do nothing but save images."""

    limits = threading.local()

    def __init__(self, images):
        self.images = images

    def get_image(self, reference):
        content = self.images[reference]
        return (content[start : start + 2**20] for start in range(0, len(content), 2**20))


@pytest.fixture
def engine():
    """`engine(images)`: an engine that has these images, name and archive."""
    return lambda images: Daemon(SavingClient(images), "a test", LocalHost())


def patient(doing):
    """A caller who has time."""


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path / "registry")
    made.ensure(patient)
    yield made
    made.release()


@pytest.fixture
def client(server):
    made = Client(server.writer, REPOSITORY)
    yield made
    made.close()


@pytest.fixture
def catalogue(tmp_path):
    return Catalogue(tmp_path / "registry" / "images")


class Wire:
    """A socket that leads to another one. It breaks each of the first `breaks` connections after `after` bytes to it."""

    def __init__(self, path, target, after, breaks):
        self.path, self._target, self._after, self.left = path, target, after, breaks
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self._target))
                limit = self._after if self.left > 0 else None
                self.left -= 1
                threading.Thread(target=self._carry, args=(near, far, limit), daemon=True).start()
                threading.Thread(target=self._carry, args=(far, near, None), daemon=True).start()

    @staticmethod
    def _carry(source, target, limit):
        count = 0
        with suppress(OSError):
            while (data := source.recv(65536)) and (limit is None or count < limit):
                target.sendall(data)
                count += len(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.close()


@pytest.fixture
def wire(tmp_path, server):
    made = []

    def lay(after, breaks):
        made.append(Wire(tmp_path / f"wire{len(made)}", server.writer, after, breaks))
        return made[-1]

    yield lay
    for each in made:
        each.close()
