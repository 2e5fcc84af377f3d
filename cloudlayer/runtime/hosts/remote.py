"""What is said to a machine's shell, and how its answer is taken."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from typing import Final

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.hosts.commands import Ended

_TIMED_OUT: Final = (124, 137)
_NOT_FOUND: Final = 127
_CONNECT_SECONDS: Final = 2
_HOST_PORT: Final = re.compile(r"http://(?:(?P<host>[A-Za-z0-9.-]+)|\[(?P<six>[0-9a-f:.]+)\]):(?P<port>[0-9]{1,5})/?", re.ASCII)


# The user's own shell may say something first: bash reads ~/.bashrc under an SSH server.
_BEGINS: Final = "cloudlayer begins"


def shell(text: str) -> str:
    """Runs a script by sh, whatever shell the user has there; `output` takes its answer."""
    return f"exec sh -c {shlex.quote(f'echo {_BEGINS}; {text}')}"


def output(said: bytes) -> bytes:
    """What the script of `shell` printed, and nothing that came before it."""
    noise, begins, rest = said.partition(f"{_BEGINS}\n".encode())
    return rest if begins else noise


def as_asked(command: Sequence[str], deadline: Deadline, *, sudo: bool) -> list[str]:
    """A command that ends itself when its time is up, for nobody may be there to end it."""
    limited = ["timeout", "--kill-after=1", str(max(1, math.ceil(deadline.remaining()))), *command]
    return ["sudo", "-n", "--", *limited] if sudo else limited


def checked(name: str, command: Sequence[str], ended: Ended, deadline: Deadline) -> bytes:
    """What a command printed. EngineError with its last lines if it failed, TransientError if its time was up."""
    if ended.code == 0:
        return ended.output
    if ended.code in _TIMED_OUT and deadline.remaining() <= 0:
        raise TransientError(f"out of time while {command[0]} ran on {name}", code="deadline")
    said = ended.last_lines
    if "sudo:" in said and ("password" in said or "not allowed" in said or "not in the sudoers" in said):
        raise EngineError(f"{name}: the user may not become root without a password: let it by sudo (NOPASSWD), or use root")
    if ended.code == _NOT_FOUND:
        raise EngineError(f"{name} has no {command[0]}: install it there ({said})")
    raise EngineError(f"{name}: {command[0]} ended with code {ended.code}: {said or 'it said nothing'}")


def writing(path: str, size: int, mode: int) -> str:
    """Writes its input to a file, whole or not at all: what a connection that breaks cuts short is not taken."""
    target = shlex.quote(path)
    return (
        f'umask 077 && new=$(mktemp {target}.XXXXXX) && trap \'rm -f -- "$new"\' EXIT && cat >"$new" && '
        f'[ "$(stat -c %s -- "$new")" = {size} ] && chmod {mode:o} -- "$new" && sync -- "$new" && mv -f -- "$new" {target}'
    )


def accepting(address: str) -> str:
    """Succeeds if `address` takes connections."""
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        # The kernel's list: state 01 with the flag 00010000 is a socket that listens.
        listed = f'$4 == "00010000" && $6 == "01" && $8 == {_awk(path)} {{ found = 1 }} END {{ exit !found }}'
        return f"[ -S {shlex.quote(path)} ] && awk {shlex.quote(listed)} /proc/net/unix"
    host, port = host_port(address)
    inside = f"exec 3<>/dev/tcp/{host}/{port}"
    return f"timeout {_CONNECT_SECONDS} bash -c {shlex.quote(inside)} 2>/dev/null"


def host_port(address: str) -> tuple[str, int]:
    """The host and the port of "http://host:port"; EngineError for anything else."""
    found = _HOST_PORT.fullmatch(address)
    if found is None:
        raise EngineError(f"{address!r} is no address: use unix:/path or http://host:port")
    return found["host"] or found["six"], int(found["port"])


def _awk(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
