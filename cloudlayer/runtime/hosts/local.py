"""This machine, in the place of one that is reached."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.files import replace
from cloudlayer.runtime.hosts.commands import execute
from cloudlayer.runtime.hosts.remote import checked, host_port

_LONGEST: Final = 600.0
_CONNECT_SECONDS: Final = 0.25


class LocalHost:
    """The machine that this process runs on. Satisfies Host."""

    name = "this host"
    is_here = True
    connected = True
    connection = 0

    def run(self, command: Sequence[str], *, input: bytes = b"", root: bool = False, deadline: Deadline | None = None) -> bytes:
        """What a command printed."""
        deadline = deadline or Deadline.after(_LONGEST)
        asked = ["sudo", "-n", "--", *command] if root and os.geteuid() != 0 else command
        return checked(
            self.name, command, execute(asked, doing=f"running {command[0]}", input=input, deadline=deadline), deadline
        )

    def put(self, content: bytes, path: str, *, mode: int = 0o600, deadline: Deadline | None = None) -> None:
        """Write a file, whole or not at all."""
        try:
            replace(Path(path), content, mode)
        except OSError as error:
            raise EngineError(f"{path} cannot be written: {error.strerror}") from error

    def accepts(self, address: str, *, deadline: Deadline | None = None) -> bool:
        """Whether an address takes connections now."""
        family, where = (socket.AF_UNIX, address.removeprefix("unix:")) if address.startswith("unix:") else (None, "")
        try:
            if family is None:
                with socket.create_connection(host_port(address), timeout=_CONNECT_SECONDS):
                    return True
            with socket.socket(family, socket.SOCK_STREAM) as made:
                made.settimeout(_CONNECT_SECONDS)
                made.connect(where)
                return True
        except OSError:
            return False

    def forward(self, address: str) -> str:
        """The address itself."""
        return address

    def unforward(self, address: str) -> None:
        """Nothing leads there but the address itself."""

    def expose(self, address: str, there: str) -> None:
        """Nothing to do for the same address; Unsupported for another."""
        if address != there:
            raise Unsupported(f"{there} of this host cannot be made to lead to {address}: use {address} itself")

    def exposing(self, address: str, there: str, check: Callable[[str], None]) -> AbstractContextManager[None]:
        """As `expose`."""
        self.expose(address, there)
        return nullcontext()

    def close(self) -> None:
        """There is nothing to let go of."""
