"""Bringing images to a machine that is reached by SSH.

What is built is built once: by this host's engine if there is one, else by the first machine that needs it. From there it
goes to a registry, and each machine pulls from that what it lacks. Without a registry the engine's archive of the whole image
is sent to each machine that is not the builder.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Final

from cloudlayer.errors import CloudLayerError, TransientError
from cloudlayer.interfaces import Deadline, MachineContext, ReplicaSpec
from cloudlayer.interfaces.host import Host
from cloudlayer.runtime.docker.builder import Builder
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.pruning import Pruning
from cloudlayer.runtime.docker.pulling import NO_SPACE, full
from cloudlayer.runtime.docker.supply import let_go, supply_of

_TRIES: Final = 3
_POLL: Final = 0.1
_PAUSE: Final = 0.5
_PATIENCE: Final = 30.0
"""Seconds for which a connection that was cut is waited for, before the whole job is left for later."""

_log = logging.getLogger(__name__)


class Delivery:
    """What comes to one machine. `own` builds by the machine's own engine."""

    def __init__(self, machine: MachineContext, host: Host, own: Builder, pruning: Pruning) -> None:
        self._machine = machine.id
        self._host = host
        self._own = own
        self._daemon = own.daemon
        self._supply = supply_of(machine.cache)
        self._cache = machine.cache
        self._closed = False
        self._pruning = pruning

    def ensure(self, spec: ReplicaSpec, deadline: Deadline | None) -> str:
        """The name of a replica's image, which is on the machine now; TransientError where its disk is full."""
        reference = spec.image or self._supply.name(spec, self._own)
        bring = partial(self._fetch, reference) if spec.image else partial(self._bring, spec, reference, deadline)
        self._pruning.used(reference)
        if self._own.look(reference) is None:
            with self._own.lock(f"to {self._machine} {reference}", f"waiting for the image of {spec.function} to arrive"):
                if self._own.look(reference) is None:
                    self._with_room(reference, bring, deadline)
        return reference

    def close(self) -> None:
        """Let go of builder and registry. May be called again."""
        if not self._closed:
            self._closed = True
            self._supply.forget(self._own)
            let_go(self._cache)

    def _with_room(self, reference: str, bring: Callable[[], None], deadline: Deadline | None) -> None:
        """Bring an image, with unused ones removed first where the disk is nearly full, and once more where it was."""
        self._pruning.make_room(self._daemon.check)
        try:
            self._persistently(bring, deadline)
        except CloudLayerError as error:
            lacking = full(error, self._host.name)
            if lacking is None or (isinstance(error, TransientError) and error.code == NO_SPACE):
                raise  # it is the builder's disk that is full
            if not self._pruning.make_room(self._daemon.check, at_any_mark=True):
                raise lacking from error
            _log.warning("%s; unused images were removed, and %s is brought again", lacking, reference)
            with _told_if_full(self._host.name):
                bring()

    def _persistently(self, bring: Callable[[], None], deadline: Deadline | None) -> None:
        """Bring it, again where the connection was cut: what had arrived need not come again."""
        for left in reversed(range(_TRIES)):
            try:
                bring()
            except TransientError as error:
                if not left or error.code in ("cancelled", "deadline", NO_SPACE):
                    raise
                _log.info("%s: %s; trying again", self._host.name, error)
                self._until_connected(error, deadline)
            else:
                return

    def _until_connected(self, error: TransientError, deadline: Deadline | None) -> None:
        time.sleep(_PAUSE)  # what was exposed there is set up again after the connection
        until = time.monotonic() + _PATIENCE
        while not self._host.connected:
            if deadline is not None:
                deadline.check("waiting for the connection to the machine")
            if time.monotonic() > until:
                raise error
            time.sleep(_POLL)

    def _fetch(self, reference: str) -> None:
        self._own.fetched(reference)
        self._pruning.pulled(reference)

    def _bring(self, spec: ReplicaSpec, reference: str, deadline: Deadline | None) -> None:
        builder = self._supply.here() or self._own
        registry = self._supply.registry
        if registry is None:
            with self._telling_of(builder):
                self._supply.built(spec, reference, builder, deadline)
            if builder is not self._own:
                _stream(builder.daemon, self._daemon, reference)
            return

        def published() -> tuple[str, ...]:
            with self._telling_of(builder):
                return self._supply.published(spec, reference, builder, deadline)

        registry.deliver(reference, published, self._daemon, self._host, deadline)

    def _telling_of(self, builder: Builder) -> AbstractContextManager[None]:
        """It is the builder's disk that is full then, and not the machine's, unless they are one."""
        return nullcontext() if builder is self._own else _told_if_full(builder.daemon.host.name)


@contextmanager
def _told_if_full(name: str) -> Iterator[None]:
    """What comes of a full disk is told as that, with the name of the machine whose disk it is."""
    try:
        yield
    except CloudLayerError as error:
        lacking = full(error, name)
        if lacking is None:
            raise
        raise lacking from error


def _stream(origin: Daemon, target: Daemon, reference: str) -> None:
    """Send the whole image, as `docker save` and `docker load` do."""
    what = f"sending the image {reference}"
    _log.info(what)
    content = origin.read(what, origin.client.get_image, reference)

    def load(*, decode: bool) -> Iterable[Any]:
        events: Iterable[Any] = target.client.load_image(content, quiet=decode)
        return events

    for _ in target.stream(what, load):
        pass
