"""What the machines of one home share: this host's engine as the builder, and the registry. One of each in a process."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from cloudlayer.errors import CloudLayerError, NotFound, TransientError, Unsupported
from cloudlayer.interfaces import Deadline, ReplicaSpec
from cloudlayer.runtime.docker.builder import Builder, base_name
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.networks import Networks
from cloudlayer.runtime.docker.pruning import of_this_host
from cloudlayer.runtime.docker.registry import VARIABLE, Registry, connect_registry
from cloudlayer.runtime.files import replace
from cloudlayer.runtime.hosts.local import LocalHost

_ASK_AGAIN: Final = 60.0
"""Seconds before an engine of this host that did not answer is asked again."""
_PATIENCE: Final = 5.0
"""Seconds for which an engine's answer is waited for. One that hangs is no builder, unless it answers after all."""

_log = logging.getLogger(__name__)


class Supply:
    """Builds and publishes. Thread-safe."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self.registry: Registry | None = connect_registry(cache / "registry")
        self._here: Builder | None = None
        self._networks: Networks | None = None
        self._holders: dict[str, Builder] = {}
        self._asked = threading.Event()
        self._asked.set()
        self._ask_at = 0.0
        self._wait_until = 0.0
        self._closed = False
        self._lock = threading.Lock()
        if self.registry is None:
            mend = f"install docker-registry or set {VARIABLE}, and only what is new is sent"
            _log.warning("there is no registry, so whole images are sent to each machine: %s", mend)

    def here(self) -> Builder | None:
        """The builder on this host, if its engine answers."""
        with self._lock:
            now = time.monotonic()
            if self._here is None and self._asked.is_set() and now >= self._ask_at:
                self._asked.clear()
                self._wait_until = now + _PATIENCE
                threading.Thread(target=self._ask, name="asking this host's engine", daemon=True).start()
            left = self._wait_until - now
        # Without the lock: one that hangs keeps nobody waiting for longer than that.
        self._asked.wait(max(0.0, left))
        return self._here

    def _ask(self) -> None:
        try:
            daemon = Daemon.connect(LocalHost())
        except Unsupported as error:
            _log.info("machines build for themselves: %s", error)
        else:
            self._found(daemon)
        finally:
            self._ask_at = time.monotonic() + _ASK_AGAIN
            self._asked.set()

    def _found(self, daemon: Daemon) -> None:
        # The networks of a machine that is there for building alone.
        machine = f"builder-{hashlib.sha256(str(self._cache).encode()).hexdigest()[:12]}"
        networks = Networks(daemon, machine)
        with self._lock:
            if self._closed:
                daemon.close()
                return
            self._networks = networks
            self._here = Builder(daemon, self._cache, networks, of_this_host(daemon, self._cache))

    def name(self, spec: ReplicaSpec, own: Builder) -> str:
        """What the image of a source folder is called, which follows from the base image that the builder has.

        Where machines build for themselves, the first one's base image counts for all.
        """
        here = self.here()
        return here.name(spec, here.base()) if here is not None else own.name(spec, self._first_base(own))

    def built(self, spec: ReplicaSpec, reference: str, builder: Builder, deadline: Deadline | None) -> None:
        """Have the image built; TransientError if the base image has changed meanwhile, so that it has another name now."""
        self._check_base(spec, reference, builder)
        builder.build(spec, deadline)

    def _check_base(self, spec: ReplicaSpec, reference: str, builder: Builder) -> None:
        if builder.name(spec, builder.base()) != reference:
            if builder is not self._here:
                self._base_file().unlink(missing_ok=True)
            raise TransientError("the base image has changed meanwhile: the image is built anew", provider="docker")

    def published(self, spec: ReplicaSpec, reference: str, builder: Builder, deadline: Deadline | None) -> tuple[str, ...]:
        """The manifests of an image in the registry, built and pushed if it is not there yet.

        None of them where the machine of `builder` has just built it: it is pushed from there when another machine asks.
        """
        if self.registry is None:
            raise Unsupported(f"there is no registry: install docker-registry, or set {VARIABLE}")
        found = self.registry.find(reference, builder.daemon)
        if found:
            return found
        with builder.lock(f"publish {reference}", f"waiting for the image of {spec.function} to be published"):
            found = self.registry.find(reference, builder.daemon)
            if found:
                return found
            holder = self._holder(reference)
            try:
                if holder is not None:
                    return self.registry.push(reference, holder.daemon)
                if builder is self._here:
                    self._check_base(spec, reference, builder)
                    return self.registry.publish(spec, reference, builder, deadline)
            except NotFound as error:
                raise TransientError(f"the image {reference} was removed before it was sent", provider="docker") from error
            self.built(spec, reference, builder, deadline)
            self._holders[reference] = builder
            return ()

    def forget(self, builder: Builder) -> None:
        """Its machine is no more to be asked."""
        self._holders = {reference: each for reference, each in self._holders.items() if each is not builder}

    def _holder(self, reference: str) -> Builder | None:
        """A machine that has built the image and has it still."""
        holder = self._holders.get(reference)
        if holder is None or not holder.daemon.host.connected:
            return None
        return holder if holder.look(reference) is not None else None

    def close(self) -> None:
        """Let go of engine and registry."""
        with self._lock:
            self._closed = True
        if self._here is not None and self._networks is not None:
            with suppress(CloudLayerError):
                self._networks.remove_unused()
            self._here.daemon.close()
        if self.registry is not None:
            with suppress(CloudLayerError):
                self.registry.close()

    def _first_base(self, own: Builder) -> str:
        path = self._base_file()
        with own.lock("base", "waiting for the base image"):
            if not path.exists():
                replace(path, own.base())
            return path.read_text()

    def _base_file(self) -> Path:
        return self._cache / "docker" / f"base-of-{hashlib.sha256(base_name().encode()).hexdigest()[:16]}"


_supplies: dict[Path, tuple[Supply, int]] = {}
_lock = threading.Lock()


def supply_of(cache: Path) -> Supply:
    """The supply of the home whose cache this is; to be let go of as often as it was asked for."""
    with _lock:
        supply, users = _supplies.get(cache, (None, 0))
        supply = supply or Supply(cache)
        _supplies[cache] = (supply, users + 1)
        return supply


def let_go(cache: Path) -> None:
    """Need the supply no more; the last one closes it."""
    with _lock:
        supply, users = _supplies.pop(cache)
        if users > 1:
            _supplies[cache] = (supply, users - 1)
            return
    supply.close()


def publish(supply: Supply, spec: ReplicaSpec, deadline: Deadline | None = None) -> None:
    """Build and push the image of a source folder before any machine needs it, if this host has an engine and a registry."""
    builder = supply.here()
    if builder is not None and supply.registry is not None:
        with builder.daemon.until(deadline):
            supply.published(spec, supply.name(spec, builder), builder, deadline)
