"""Files and folders written whole or not at all, and by one process at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cloudlayer.interfaces import Deadline

_POLL: Final = 0.1


def replace(path: Path, content: str | bytes, mode: int = 0o600, *, lasting: bool = True) -> None:
    """Put `content` at `path`: whoever reads it meanwhile, or after a crash, finds the old content or the new one.

    `lasting` is whether that holds when the power fails too, which costs a wait for the disk. The file has exactly `mode`,
    whatever the umask. Raises OSError, and leaves nothing beside `path` then.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            os.fchmod(file.fileno(), mode)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def made_beside(folder: Path) -> Iterator[Path]:
    """A new folder on the same file system as its later place, gone again if it was not moved there."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def settle(made: Path, place: Path) -> Path:
    """Move a finished folder to its place, unless another was quicker; they are the same."""
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise
    return place


@contextmanager
def alone(path: Path, doing: str, deadline: Deadline | None) -> Iterator[None]:
    """One at a time, among all processes of this host, by a lock on the file `path`; `doing` is what waits for it."""
    with path.open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if deadline else 0))
                break
            except BlockingIOError:
                if deadline is not None:
                    deadline.check(doing)
                    deadline.clock.sleep(_POLL)
        yield
