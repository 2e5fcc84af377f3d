"""A machine's way to the registry: a port of its loopback, over an SSH connection that is there for that alone."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from cloudlayer.errors import EngineError
from cloudlayer.interfaces.host import Host

_PORTS: Final = range(20000, 30000)
"""Below those that the kernel hands out by itself."""
_TRIES: Final = 5

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
        self._open.close()

    def address(self) -> str:
        """What the machine's engine calls the registry: "127.0.0.1:port". EngineError where there is no port to be had."""
        with self._lock:
            self._port = self._port or self._opened()
        return f"127.0.0.1:{self._port}"

    def _opened(self) -> int:
        first = _first_port(self._host.name, self._socket)
        for count in range(_TRIES):
            port = _PORTS[(first - _PORTS.start + count * 37) % len(_PORTS)]
            way = self._host.exposing(f"unix:{self._socket}", f"http://127.0.0.1:{port}", self._check)
            try:
                self._open.enter_context(way)
            except EngineError as error:  # somebody has it
                _log.info("port %d of %s cannot be had: %s", port, self._host.name, error)
                continue
            return port
        raise EngineError(
            f"no port of {self._host.name} can be led to the registry: does its sshd allow forwarding (AllowTcpForwarding)?"
        )


def _first_port(name: str, socket: Path) -> int:
    number = int.from_bytes(hashlib.sha256(f"{name}\n{socket}".encode()).digest()[:4], "big")
    return _PORTS[number % len(_PORTS)]
