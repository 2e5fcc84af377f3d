"""Runs a program of this machine within a deadline."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Final, NamedTuple

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Deadline

LONGEST: Final = 600.0
"""Seconds that a command may take where no deadline is given."""
_LAST_LINES: Final = 5
_GLANCE: Final = 0.2
_CLEAN: Final = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR")


class Ended(NamedTuple):
    """A program that ended: its exit code, and what it wrote."""

    code: int
    output: bytes
    errors: bytes

    @property
    def last_lines(self) -> str:
        """The end of what it complained about, or else of what it said, in one line."""
        said = self.errors if self.errors.strip() else self.output
        lines = [" ".join(line.split()) for line in said.decode("utf-8", "replace").splitlines()]
        return " | ".join([line for line in lines if line][-_LAST_LINES:])[-800:]


def execute(
    command: Sequence[str], *, doing: str, input: bytes = b"", deadline: Deadline | None = None, log: IO[bytes] | None = None
) -> Ended:
    """Run a program and wait for its end. When time is up or the call is cancelled it is killed, with TransientError.

    It sees none of our environment but the names of folders: what it starts may live long, and be looked at. One that leaves
    something behind that goes on writing has a `log` for all that it says.
    """
    deadline = deadline or Deadline.after(LONGEST)
    deadline.check(doing)
    out = subprocess.PIPE if log is None else log
    try:
        process = subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=out, stderr=out)
    except OSError as error:
        raise EngineError(f"{command[0]} cannot be started while {doing}: {error.strerror}") from error
    try:
        output, errors = _communicate(process, input, deadline, doing)
    except BaseException:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        raise
    return Ended(process.returncode, output or b"", errors or b"")


def environment() -> dict[str, str]:
    """What a program sees of our environment."""
    found = {name: os.environ[name] for name in _CLEAN if name in os.environ} | {"LC_ALL": "C"}
    return found | {"PATH": f"{found.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"}


def _communicate(process: subprocess.Popen[bytes], input: bytes, deadline: Deadline, doing: str) -> tuple[bytes, bytes]:
    pipe, process.stdin = process.stdin, None
    # Not by `communicate`: once its time was up, it forgets what it had not sent yet.
    threading.Thread(target=_feed, args=(pipe, input), name="input of a program", daemon=True).start()
    while True:
        try:
            return process.communicate(timeout=min(_GLANCE, deadline.remaining()))
        except subprocess.TimeoutExpired:
            deadline.check(doing)


def _feed(pipe: IO[bytes], input: bytes) -> None:
    with suppress(OSError), pipe:  # whoever does not read to the end has its reason, and its exit code tells it
        pipe.write(input)
