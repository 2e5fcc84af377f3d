"""Our own registry: pushed to by a socket, and pulled from by machines at their own loopback, over their SSH connection."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from cloudlayer.errors import CloudLayerError, EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.interfaces.host import Host
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.pulling import pull, untag
from cloudlayer.runtime.docker.registry.catalogue import Catalogue
from cloudlayer.runtime.docker.registry.client import BROKEN, Client
from cloudlayer.runtime.docker.registry.push import push
from cloudlayer.runtime.docker.registry.server import USER, Server

REPOSITORY: Final = "function"
"""All images are in one repository, so that they share layers."""
_PORTS: Final = range(20000, 30000)
"""Below those that the kernel hands out by itself."""
_TRIES: Final = 5
_TIDY_EVERY: Final = 86400.0

_log = logging.getLogger(__name__)


class Own:
    """The registry of one home, which runs from the first push or pull on."""

    def __init__(self, folder: Path) -> None:
        self._server = Server(folder)
        self._catalogue = Catalogue(folder / "images")
        self._tidied = folder / "tidied"
        self._ports: dict[str, tuple[int, int]] = {}  # of a machine's connection, by its number
        self._lock = threading.Lock()

    def find(self, reference: str, daemon: Daemon) -> tuple[str, ...]:
        """The manifests that the catalogue has, if the registry has them still."""
        entry = self._catalogue.get(reference)
        if entry is None:
            return ()
        self._server.ensure(daemon.check)
        client = Client(self._server.writer, REPOSITORY, daemon.check)
        try:
            there = all(client.has_manifest(digest) for digest in entry.manifests)
        finally:
            client.close()
        return entry.manifests if there else ()

    def push(self, reference: str, daemon: Daemon) -> tuple[str, ...]:
        """Read the image from the engine, and store what is new; again, should the registry die meanwhile."""
        for left in reversed(range(_TRIES)):
            self._server.ensure(daemon.check)
            client = Client(self._server.writer, REPOSITORY, daemon.check)
            try:
                with self._server.pushing(daemon.check):
                    entry = push(daemon, reference, client, self._catalogue)
            except TransientError as error:
                if error.code != BROKEN or not left:
                    raise
                _log.info("%s; pushing %s again", error, reference)
            else:
                self._try_to_tidy(client, daemon)
                return entry.manifests
            finally:
                client.close()
        raise AssertionError("the last try raises or returns")

    def pull(self, reference: str, manifests: tuple[str, ...], daemon: Daemon, host: Host, deadline: Deadline | None) -> None:
        """Have the machine's engine pull it, with its lower parts beside it: of a pull that is cut off those stay."""
        self._server.ensure(daemon.check)
        name = f"127.0.0.1:{self._port(host)}/{REPOSITORY}"
        auth = {"username": USER, "password": self._server.secret}

        def part(digest: str) -> None:
            try:
                with daemon.until(deadline):
                    pull(daemon, name, digest=digest, auth=auth)
            except CloudLayerError as error:
                _log.debug("a part of %s was not kept: %s", reference, error)

        with ThreadPoolExecutor(max(1, len(manifests) - 1), thread_name_prefix="pull") as threads:
            for digest in manifests[:-1]:
                threads.submit(part, digest)
            try:
                pull(daemon, name, digest=manifests[-1], auth=auth)
            except CloudLayerError:
                self._forget_port(host)  # it may lead nowhere by now
                raise
        repository, _, tag = reference.rpartition(":")
        daemon.call("naming an image", daemon.client.tag, f"{name}@{manifests[-1]}", repository, tag, force=True)
        for digest in manifests:
            untag(daemon, f"{name}@{digest}")

    def close(self) -> None:
        """End the registry, unless another controller uses it."""
        self._server.release()

    def _port(self, host: Host) -> int:
        """The port of the machine's loopback that leads to the reader, by way of its SSH connection."""
        connection = host.connection
        with self._lock:
            known, first = self._ports.get(host.name, (-1, _first_port(host.name, self._server.reader)))
        if known == connection:
            return first
        for count in range(_TRIES):
            port = _PORTS[(first - _PORTS.start + count * 37) % len(_PORTS)]
            try:
                host.expose(f"unix:{self._server.reader}", f"http://127.0.0.1:{port}")
            except EngineError as error:  # somebody has it
                _log.info("port %d of %s cannot be had: %s", port, host.name, error)
                continue
            with self._lock:
                self._ports[host.name] = (connection, port)
            return port
        raise EngineError(
            f"no port of {host.name} can be led to the registry: does its sshd allow forwarding (AllowTcpForwarding)?"
        )

    def _forget_port(self, host: Host) -> None:
        with self._lock:
            _, port = self._ports.pop(host.name, (0, 0))
            if port:
                self._ports[host.name] = (-1, port)

    def _try_to_tidy(self, client: Client, daemon: Daemon) -> None:
        try:
            self._tidy(client, daemon)
        except CloudLayerError as error:  # what was pushed is there all the same
            _log.warning("the registry is tidied another day: %s", error)

    def _tidy(self, client: Client, daemon: Daemon) -> None:
        """Once a day, remove the images that nobody asks for."""
        if self._tidied.exists() and time.time() - self._tidied.stat().st_mtime < _TIDY_EVERY:
            return
        self._tidied.touch()
        unused = self._catalogue.unused()
        for entry in unused:
            self._catalogue.remove(entry.reference)
        needed = self._catalogue.manifests()
        for digest in {digest for entry in unused for digest in entry.manifests} - needed:
            client.delete_manifest(digest)
        if unused:
            _log.info("%d unused images leave the registry", len(unused))
            self._server.collect(daemon.check)


def _first_port(name: str, socket: Path) -> int:
    number = int.from_bytes(hashlib.sha256(f"{name}\n{socket}".encode()).digest()[:4], "big")
    return _PORTS[number % len(_PORTS)]
