"""A machine that is reached by SSH alone."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Access, Deadline
from cloudlayer.runtime.hosts.bulk import exposing
from cloudlayer.runtime.hosts.client import Client
from cloudlayer.runtime.hosts.commands import LONGEST, Ended
from cloudlayer.runtime.hosts.forwards import Forwards
from cloudlayer.runtime.hosts.kept import CLOSE_SECONDS, Kept
from cloudlayer.runtime.hosts.master import Master
from cloudlayer.runtime.hosts.once import run_alone
from cloudlayer.runtime.hosts.remote import accepting, as_asked, checked, writing

_LOOK_SECONDS: Final = 10.0
_MUCH: Final = 1024**2
"""Bytes of input from which on a command gets a connection of its own, so that calls do not wait behind it."""


def _nothing() -> None:
    """What is done about a change of the connection where nobody asked for anything."""


class SshHost:
    """A machine behind one kept SSH connection. Satisfies Host.

    The connection is made by a thread of its own, and made again whenever it is lost, with all forwards at their same
    addresses. `access` has the key's file and the pinned host keys; `folder` is this machine's alone, and the next
    controller's with the same folder adopts the connection. `changed` is called, by that thread, after `connected` changed.

    While the machine is not connected, every method raises at once: TransientError, KeyRefused, or HostKeyRefused, after
    which nothing connects until `pin`. During the very first attempt they wait for it, ten seconds at most.
    """

    is_here = False

    def __init__(self, access: Access, *, name: str, folder: Path, changed: Callable[[], None] = _nothing) -> None:
        self.name = name
        self.access = access
        self.client = Client(access, folder)
        self._master = Master(self.client, name)
        self._forwards = Forwards(self._master, folder, access.user)
        self._kept = Kept(name, self.client, self._master, self._forwards, changed)
        self._kept.start()

    @property
    def connected(self) -> bool:
        """Whether the connection stands. A machine that is silent for four seconds has lost it."""
        return self._kept.connected

    @property
    def connection(self) -> int:
        """How many times it has been connected to."""
        return self._kept.connections

    @property
    def reason(self) -> str:
        """Why it is not connected; empty if it is, and during the very first attempt."""
        return "" if self._kept.connected or not self._kept.tried else str(self._kept.error)

    def wait_connected(self, deadline: Deadline) -> bool:
        """Whether it is connected before the deadline comes."""
        return self._kept.wait(deadline)

    def run(self, command: Sequence[str], *, input: bytes = b"", root: bool = False, deadline: Deadline | None = None) -> bytes:
        """What a command there printed. One whose time is up is ended there too.

        Secrets go in by `input`: everybody on the machine may see a command's arguments.
        """
        deadline = deadline or Deadline.after(LONGEST)
        text = shlex.join(as_asked(command, deadline, sudo=root and self.access.user != "root"))
        return checked(self.name, command, self._run(text, f"running {command[0]} on {self.name}", input, deadline), deadline)

    def put(self, content: bytes, path: str, *, mode: int = 0o600, deadline: Deadline | None = None) -> None:
        """Write a file there, whole or not at all, even if the connection breaks on the way."""
        deadline = deadline or Deadline.after(LONGEST)
        doing = f"writing {path} on {self.name}"
        checked(self.name, ["writing", path], self._run(writing(path, len(content), mode), doing, content, deadline), deadline)

    def accepts(self, address: str, *, deadline: Deadline | None = None) -> bool:
        """Whether `address` there takes connections now."""
        deadline = deadline or Deadline.after(_LOOK_SECONDS)
        return self._run(accepting(address), f"looking at {address} of {self.name}", b"", deadline).code == 0

    def forward(self, address: str) -> str:
        """A socket on this machine that leads to `address` there. One that is known is told even while nothing is connected."""
        if not self._forwards.knows(address):
            self._kept.demand(None)
            self._changing(lambda: self._forwards.add(address))
        return self._forwards.local(address)

    def unforward(self, address: str) -> None:
        """Lead to `address` no more."""
        self._forwards.remove(address)

    def expose(self, address: str, there: str) -> None:
        """Let a socket or loopback port of the machine lead to `address` here.

        A socket's folder is made for the user, with mode 0755, if it is not there; one that is there must be the user's. Its
        mode says who may use the socket, which itself is open to all.
        """
        self._kept.demand(None)
        self._changing(lambda: self._forwards.expose(address, there))

    def exposing(self, address: str, there: str, check: Callable[[str], None]) -> AbstractContextManager[None]:
        """Within, `there` leads to `address` here, by a connection of its own, which nothing else waits for."""
        self._kept.demand(None)
        return exposing(self.client, self.name, address, there, check)

    def pin(self, host_keys: tuple[str, ...]) -> None:
        """Accept one of `host_keys` from the next connection on, and connect if a key was refused."""
        self.client.pin(host_keys)
        self._kept.retry()

    def close(self, *, wait: float = CLOSE_SECONDS) -> None:
        """Let go, and wait some seconds at most for what is under way.

        The connection stays for the next controller, and ends by itself if none comes within an hour.
        """
        self._kept.close(wait=wait)

    def end(self) -> None:
        """Let go, end the connection and remove its files: the machine is wanted no more."""
        self._kept.close(end=True)

    def _run(self, text: str, doing: str, input: bytes, deadline: Deadline) -> Ended:
        self._kept.demand(deadline)
        if len(input) > _MUCH:
            return run_alone(self.client, self.name, text, doing=doing, input=input, deadline=deadline)
        return self._master.run(text, doing=doing, input=input, deadline=deadline)

    def _changing(self, change: Callable[[], None]) -> None:
        try:
            change()
        except EngineError as error:
            if self._kept.connected:
                raise
            raise TransientError(f"{self.name}: the connection broke: {error}", code="unreachable") from error
