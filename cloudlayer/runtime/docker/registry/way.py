"""A machine's way to the registry: a port of its loopback, over an SSH connection that is there for that alone."""

from __future__ import annotations

import hashlib
import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Self

from cloudlayer.errors import CloudLayerError, EngineError, TransientError
from cloudlayer.interfaces.host import Host

_PORTS: Final = range(20000, 30000)
"""Below those that the kernel hands out by itself."""
_TRIES: Final = 10
"""Each takes a connection. After the first they are any ports: that all of them are taken means that none can be had."""
_LOOK: Final = 0.1

_log = logging.getLogger(__name__)


class Way:
    """Opened by the first who needs it, and closed at the end of the with statement. Thread-safe."""

    def __init__(self, host: Host, socket: Path, check: Callable[[str], None]) -> None:
        """`socket` is the registry's. `check` is asked while the way is opened, and raises when time is up."""
        self._host = host
        self._socket = socket
        self._check = check
        self._open = ExitStack()
        self._lock = threading.Lock()
        self._port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def address(self) -> str:
        """What the machine's engine calls the registry: "127.0.0.1:port". TransientError where no port is to be had now."""
        while not self._lock.acquire(timeout=_LOOK):
            self._check("waiting for the way to the registry")
        try:
            self._port = self._port or self._opened()
        finally:
            self._lock.release()
        return f"127.0.0.1:{self._port}"

    def close(self) -> None:
        """Lead there no more."""
        self._open.close()

    def _opened(self) -> int:
        # The same one first each time: what a delivery that broke off left behind bears it in its name.
        ports = [_first_port(self._host.name, self._socket), *random.sample(_PORTS, _TRIES - 1)]
        for port in ports:
            way = self._host.exposing(f"unix:{self._socket}", f"http://127.0.0.1:{port}", self._check)
            try:
                self._open.enter_context(way)
            except EngineError as error:  # somebody has it
                _log.info("port %d of %s cannot be had: %s", port, self._host.name, error)
                continue
            return port
        raise TransientError(
            f"no port of {self._host.name} can be led to the registry: does its sshd allow forwarding (AllowTcpForwarding)?",
            code="NoPort",
        )


class Ways:
    """The ways to one registry: those who deliver to one machine at the same time share its way. Thread-safe."""

    def __init__(self) -> None:
        self._shared: dict[Host, Way] = {}
        self._users: dict[Way, int] = {}
        self._lock = threading.Lock()

    @contextmanager
    def to(self, host: Host, socket: Path, check: Callable[[str], None]) -> Iterator[Way]:
        """The way of a machine, for the with statement; arguments as of Way.

        After an error within, who comes next gets another way: this one may be what is broken.
        """
        with self._lock:
            way = self._shared.setdefault(host, Way(host, socket, check))
            self._users[way] = self._users.get(way, 0) + 1
        try:
            yield way
        except CloudLayerError:
            self._retire(host, way)
            raise
        finally:
            self._leave(host, way)

    def _retire(self, host: Host, way: Way) -> None:
        with self._lock:
            if self._shared.get(host) is way:
                del self._shared[host]

    def _leave(self, host: Host, way: Way) -> None:
        with self._lock:
            self._users[way] -= 1
            if self._users[way]:
                return
            del self._users[way]
            if self._shared.get(host) is way:
                del self._shared[host]
        way.close()


def _first_port(name: str, socket: Path) -> int:
    number = int.from_bytes(hashlib.sha256(f"{name}\n{socket}".encode()).digest()[:4], "big")
    return _PORTS[number % len(_PORTS)]
