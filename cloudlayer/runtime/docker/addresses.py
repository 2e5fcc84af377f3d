"""Where the replicas of one machine serve: whether they take calls yet, and the address here that leads to each."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from cloudlayer.interfaces import Deadline, Host

_WAIT_SECONDS: Final = 5.0
_SHORTEST: Final = 0.05
_COMMAND_SECONDS: Final = 10.0


class Addresses:
    """The addresses of one machine's replicas, by their containers. Thread-safe."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._ready: set[str] = set()
        self._led: dict[str, str] = {}
        self._lock = threading.Lock()

    def is_ready(self, container: str, inner: str, *, look: bool) -> bool:
        """Whether the container takes calls at `inner`, its address on the machine; as far as is known, unless `look`."""
        if container not in self._ready and (look or self._host.is_here) and self._host.accepts(inner):
            self._ready.add(container)
        return container in self._ready

    def look(self, containers: Mapping[str, str]) -> None:
        """See which of these, by their addresses on the machine, take calls: all by one command."""
        unknown = {inner: container for container, inner in containers.items() if container not in self._ready}
        if not unknown or self._host.is_here:
            return
        tries = " & ".join(f"timeout 2 bash -c ': 3<>{_device(inner)}' 2>/dev/null && echo {inner}" for inner in unknown)
        said = self._host.run(["sh", "-c", f"{tries} & wait"], deadline=Deadline.after(_COMMAND_SECONDS))
        self._ready.update(unknown[line] for line in said.decode("utf-8", "replace").splitlines() if line in unknown)

    def wait(self, container: str, inner: str, process: int, deadline: Deadline) -> None:
        """Wait, by one command on the machine, until the container takes calls or its process ends: five seconds at most."""
        left = min(_WAIT_SECONDS, deadline.remaining())
        if left < _SHORTEST:
            return
        look = f"until (: 3<>{_device(inner)}) 2>/dev/null; do [ -d /proc/{process} ] || exit; sleep 0.02; done; echo ready"
        script = f"timeout {left:.2f} bash -c {shlex.quote(look)} || :"
        said = self._host.run(["sh", "-c", script], deadline=Deadline.after(_COMMAND_SECONDS))
        if b"ready" in said.splitlines():
            self._ready.add(container)

    def lead(self, container: str, inner: str) -> str:
        """The address here that leads to the container's own."""
        with self._lock:
            self._led[inner] = container
        return self._host.forward(inner)

    def forget(self, container: str) -> None:
        """Lead there no more. An address that another container has by now is left to that one."""
        self._ready.discard(container)
        with self._lock:
            gone = [inner for inner, led in self._led.items() if led == container]
            for inner in gone:
                del self._led[inner]
        for inner in gone:
            self._host.unforward(inner)
            if inner in self._led:  # another container has come to this address meanwhile
                self._host.forward(inner)


def _device(inner: str) -> str:
    """What bash calls a connection to there."""
    url = urlsplit(inner)
    return f"/dev/tcp/{url.hostname}/{url.port}"
