"""What the containers cannot tell: which replicas were started once, and which must never start again.

A file a replica in the machine's folder. It is locked while the replica is being started, so of two controllers one starts it
and the other adopts it. Marks are written into it, each before what it announces: `started` before the container is started,
`exceeds` before it is ended for its GPU memory, `stopped` before it is ended for good. A container that is gone was therefore
either never started or never starts again.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError

STARTED: Final = "started"
STOPPED: Final = "stopped"
EXCEEDED: Final = "exceeds"
"""Ended since it held more than its share of a GPU's memory."""
_KEPT_SECONDS: Final = 7 * 86400.0
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """One replica's record, held by this thread alone. `mark` is "", STARTED, EXCEEDED or STOPPED."""

    descriptor: int

    @property
    def mark(self) -> str:
        """The last mark that was written."""
        return os.pread(self.descriptor, 64, 0).decode("ascii", "replace")

    def write(self, mark: str) -> None:
        """Replace the mark, so that it survives a crash."""
        # All marks but "" have one length: a single write goes from one to the next.
        os.pwrite(self.descriptor, mark.encode(), 0)
        os.ftruncate(self.descriptor, len(mark))
        os.fsync(self.descriptor)


class Records:
    """The records of one machine's replicas."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def hold(self, id: str, check: Callable[[str], None]) -> Iterator[Record]:
        """The replica's record, once nobody else holds it. `check` is asked while waiting, and raises when time is up."""
        if not _ID.fullmatch(id):
            raise EngineError(f'"{id}" cannot name a container: use letters, digits, hyphens, dots and underscores')
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._folder / id, check, f"waiting for another start or stop of replica {id}") as descriptor:
            yield Record(descriptor)

    def mark(self, id: str) -> str:
        """The replica's mark as it is at this moment, held or not."""
        try:
            return (self._folder / id).read_text("ascii", "replace")
        except FileNotFoundError:
            return ""

    def purge(self) -> None:
        """Forget what was stopped so long ago that nobody can still be about to start it."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _KEPT_SECONDS and path.read_text() == STOPPED:
                    path.unlink()


@contextmanager
def locked(path: Path, check: Callable[[str], None], doing: str, how: int = fcntl.LOCK_EX) -> Iterator[int]:
    """The descriptor of a file that is locked against other threads and processes; a holder that dies lets go.

    With fcntl.LOCK_SH in place of LOCK_EX several may hold it at once.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, check, doing, how)
            if _is_still(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _lock(descriptor: int, check: Callable[[str], None], doing: str, how: int) -> None:
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            check(doing)
            time.sleep(0.005)
        else:
            return


def _is_still(path: Path, descriptor: int) -> bool:
    """False where the file was purged between its opening and its locking."""
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
