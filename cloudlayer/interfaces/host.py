"""A host: how a machine is reached, by its engine and by those who call its replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cloudlayer.interfaces.clock import Deadline


@dataclass(frozen=True, slots=True)
class Access:
    """How an instance is reached by SSH.

    `key` is the file of the private key, None for the fleet's own. `host_keys` are the machine's public keys that are pinned
    ("ssh-ed25519 AAAA…"); where there are none, it is the one that our user data gave the machine. `jump` are the hosts on
    the way, nearest first.
    """

    address: str
    port: int = 22
    user: str = "cloudlayer"
    key: Path | None = field(default=None, repr=False)
    host_keys: tuple[str, ...] = ()
    jump: tuple[Access, ...] = ()


class Host(Protocol):
    """How a machine is reached. Thread-safe.

    Raises EngineError, or TransientError while the machine cannot be reached. An address is "unix:/path" or "http://host:port".
    """

    @property
    def name(self) -> str:
        """What messages call the machine."""
        ...

    @property
    def is_here(self) -> bool:
        """Whether the machine is this one."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the machine answers, as far as is known without asking."""
        ...

    @property
    def connection(self) -> int:
        """The number of the connection: another one from each time that the machine was lost, and may have started anew."""
        ...

    def run(self, command: Sequence[str], *, input: bytes = b"", root: bool = False, deadline: Deadline | None = None) -> bytes:
        """Run a command there, as root if asked, and return what it printed; EngineError with its last lines if it fails."""
        ...

    def put(self, content: bytes, path: str, *, mode: int = 0o600, deadline: Deadline | None = None) -> None:
        """Write a file there, whole or not at all."""
        ...

    def accepts(self, address: str, *, deadline: Deadline | None = None) -> bool:
        """Whether `address` there takes connections now."""
        ...

    def forward(self, address: str) -> str:
        """An address on this machine that leads to `address` there, until `unforward`. The same one for the same address."""
        ...

    def unforward(self, address: str) -> None:
        """Lead to `address` no more; one that is not led to is no error."""
        ...

    def expose(self, address: str, there: str) -> None:
        """Make `there`, a "unix:/path" or "http://127.0.0.1:port" of the machine, lead to `address` on this one."""
        ...

    def exposing(self, address: str, there: str, check: Callable[[str], None]) -> AbstractContextManager[None]:
        """As `expose`, within a with statement alone, and for what is large: calls and commands do not wait behind it.

        `check` is called with what is done while it is waited for, and raises when time is up.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...
