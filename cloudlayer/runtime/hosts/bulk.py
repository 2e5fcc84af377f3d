"""A connection of its own for what is large, so that calls and commands over the kept one do not wait behind it."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Final

from cloudlayer.errors import EngineError
from cloudlayer.runtime.hosts.client import MACHINE, Client
from cloudlayer.runtime.hosts.commands import environment
from cloudlayer.runtime.hosts.forwards import end_of
from cloudlayer.runtime.hosts.refusals import explained
from cloudlayer.runtime.hosts.remote import shell

_LOOK: Final = 0.02
_TO_END: Final = 2.0
_REFUSED: Final = "remote port forwarding failed"


@contextmanager
def exposing(client: Client, name: str, address: str, there: str, check: Callable[[str], None]) -> Iterator[None]:
    """Within, `there` of the machine `name` leads to `address` here. `check` is asked until it does.

    EngineError where the machine refuses, and as for any connection where there is none. It ends with this process: its other
    end waits for our input to end.
    """
    options = ("-T", "-o", "ExitOnForwardFailure=yes", "-R", f"{end_of(there)}:{end_of(address)}", "--", MACHINE)
    command = ["env", "SHELL=/bin/sh", *client.alone(*options), shell("exec cat >/dev/null")]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        process = subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=said, stderr=complained)
        try:
            # The server answers in order: what its shell says comes after its word on the port.
            while not _content(said):
                if process.poll() is not None:
                    raise _reason(name, there, _content(complained))
                check(f"connecting to {name}")
                time.sleep(_LOOK)
            yield
        finally:
            _end(process)


def _content(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), 65536, 0).decode("utf-8", "replace")


def _reason(name: str, there: str, said: str) -> Exception:
    if _REFUSED in said:
        return EngineError(f"{name}: {there} cannot be had")
    return explained(name, said)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()
