"""What is to be known of a transfer should this process die: small files in a folder of this user's, one a transfer.

An entry is locked by the process that is at it. Another process that wants the same transfer meanwhile does without one, and
so does every transfer where no such file can be written: it then begins anew after a break.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import AuthError, Throttled, TransientError

VARIABLE: Final = "CLOUDLAYER_HOME"
WORTH_GOING_ON: Final = (TransientError, Throttled, AuthError, KeyboardInterrupt)
"""Errors after which what is done is kept for another try; after any other it would not go on, or not end otherwise."""


def folder(name: str) -> Path:
    """A folder for what is kept of transfers, in CLOUDLAYER_HOME or else ~/.cloudlayer; its owner alone may enter."""
    named = os.environ.get(VARIABLE)
    home = Path(named).absolute() if named else Path.home() / ".cloudlayer"
    path = home / "transfers" / name
    for made in (home, path.parent, path):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


class Entry:
    """The first line is what the transfer is, as JSON; each further line one thing that is done.

    A disk that is full may break off a line, or leave it out: what was done is then done again.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor

    def read(self) -> tuple[dict[str, Any], list[str]]:
        """What an earlier process wrote: nothing, if there was none. A last line that broke off does not count."""
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")[:-1]
            what = json.loads(lines[0]) if lines else {}
        except (OSError, ValueError):
            return {}, []
        return (what, lines[1:]) if isinstance(what, dict) else ({}, [])

    def begin(self, what: dict[str, Any]) -> None:
        """Forget what was written, and begin anew."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        self.add(json.dumps(what))

    def add(self, line: str) -> None:
        """Append a line; from any thread."""
        with suppress(OSError):
            os.write(self._descriptor, f"{line}\n".encode())

    def remove(self) -> None:
        """The transfer has ended."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


@contextmanager
def entry(kind: str, *names: str) -> Iterator[Entry | None]:
    """The entry of a transfer of a kind, called by a hash of what it goes from and to, of which it has nothing else.

    None while another process is at it, or where none can be written.
    """
    opened = _opened(kind, hashlib.sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()[:32])
    if opened is None:
        yield None
        return
    path, descriptor = opened
    made = Entry(path, descriptor) if _is_ours(path, descriptor) else None
    try:
        yield made
    finally:
        if made and not os.fstat(descriptor).st_size:
            made.remove()
        os.close(descriptor)


def _opened(kind: str, name: str) -> tuple[Path, int] | None:
    """The file of an entry and its descriptor; None where none can be written: a full disk, another's home, or none."""
    try:
        path = folder(kind) / name
        return path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except (OSError, RuntimeError):  # the latter for a user without a home
        return None


def _is_ours(path: Path, descriptor: int) -> bool:
    """Whether this process has the lock; a file system without locks gives it to nobody."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held the lock before may have removed the file meanwhile.
        return path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino
    except OSError:
        return False
