"""Our own registry: pushed to by a socket, and pulled from by machines at their own loopback, over an SSH connection for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from cloudlayer.errors import CloudLayerError, TransientError
from cloudlayer.interfaces import Deadline, ReplicaSpec
from cloudlayer.interfaces.host import Host
from cloudlayer.runtime.docker.builder import Builder
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.pulling import pull, pull_part, untag
from cloudlayer.runtime.docker.registry.arrivals import Arrivals
from cloudlayer.runtime.docker.registry.catalogue import Catalogue, Entry
from cloudlayer.runtime.docker.registry.client import BROKEN, Client
from cloudlayer.runtime.docker.registry.compose import Composer
from cloudlayer.runtime.docker.registry.push import push
from cloudlayer.runtime.docker.registry.server import USER, Server
from cloudlayer.runtime.docker.registry.way import Ways

REPOSITORY: Final = "function"
"""All images are in one repository, so that they share layers."""
_TRIES: Final = 5
_TIDY_EVERY: Final = 86400.0

_log = logging.getLogger(__name__)


class Own:
    """The registry of one home, which runs from the first push or pull on."""

    def __init__(self, folder: Path) -> None:
        self._server = Server(folder)
        self._catalogue = Catalogue(folder / "images")
        self._tidied = folder / "tidied"
        self._arrivals = Arrivals()
        self._ways = Ways()

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

    def publish(self, spec: ReplicaSpec, reference: str, builder: Builder, deadline: Deadline | None) -> tuple[str, ...]:
        """Put the image together here; who delivers it meanwhile hears of its lower parts as they come."""
        daemon = builder.daemon

        def compose(client: Client) -> Entry:
            arrived = partial(self._arrivals.add, reference)
            composer = Composer(lambda: Client(self._server.writer, REPOSITORY, daemon.check), self._catalogue, arrived)
            return composer.compose(spec, reference, builder, deadline)

        return self._stored(reference, daemon, compose)

    def push(self, reference: str, daemon: Daemon) -> tuple[str, ...]:
        """Read the image from the engine, and store what is new."""
        return self._stored(reference, daemon, lambda client: push(daemon, reference, client, self._catalogue))

    def _stored(self, reference: str, daemon: Daemon, store: Callable[[Client], Entry]) -> tuple[str, ...]:
        """The manifests of what is stored; again, should the registry die meanwhile."""
        for left in reversed(range(_TRIES)):
            self._server.ensure(daemon.check)
            client = Client(self._server.writer, REPOSITORY, daemon.check)
            try:
                with self._server.pushing(daemon.check):
                    entry = store(client)
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

    def deliver(
        self, reference: str, published: Callable[[], tuple[str, ...]], daemon: Daemon, host: Host, deadline: Deadline | None
    ) -> None:
        """Have the machine's engine pull it, each lower part as soon as it is here: of a pull that is cut off those stay."""
        self._server.ensure(daemon.check)
        auth = {"username": USER, "password": self._server.secret}
        with self._ways.to(host, self._server.reader, daemon.check) as way:

            def fetch_part(digest: str) -> None:
                pull_part(daemon, f"{way.address()}/{REPOSITORY}", digest=digest, auth=auth)

            with self._arrivals.followed(reference, partial(_try, fetch_part, daemon, deadline)) as follower:
                manifests = published()
                for digest in manifests[:-1]:
                    follower.hear(digest)
                if manifests:
                    pull(daemon, f"{way.address()}/{REPOSITORY}", digest=manifests[-1], auth=auth)
            if manifests:
                _name(daemon, f"{way.address()}/{REPOSITORY}", reference, manifests)

    def close(self) -> None:
        """End the registry, unless another controller uses it."""
        self._server.release()

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


def _try(fetch: Callable[[str], None], daemon: Daemon, deadline: Deadline | None, digest: str) -> None:
    """Pull a lower part. Where that fails the whole is pulled all the same, and tells why."""
    try:
        with daemon.until(deadline):
            fetch(digest)
    except CloudLayerError as error:
        _log.debug("the part %s was not kept: %s", digest, error)


def _name(daemon: Daemon, place: str, reference: str, manifests: Sequence[str]) -> None:
    """Give the image its own name, and take those of the way from it."""
    repository, _, tag = reference.rpartition(":")
    daemon.call("naming an image", daemon.client.tag, f"{place}@{manifests[-1]}", repository, tag, force=True)
    for digest in manifests:
        untag(daemon, f"{place}@{digest}")
