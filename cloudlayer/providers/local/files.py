"""Files that several processes share: read whole, written whole or not at all, and locked by whoever changes them."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import Avoid, AvoidScope, CapacityError, PermissionDenied, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.files import replace

PASSABLE: Final = 0o711
PRIVATE: Final = 0o600
_AVOID_SECONDS: Final = 60.0
_POLL: Final = 0.01


@contextmanager
def faults_told() -> Iterator[None]:
    """Faults of the file system as errors of this provider: PermissionDenied, CapacityError, else TransientError."""
    try:
        yield
    except PermissionError as error:
        mend = "set CLOUDLAYER_LOCAL_STATE to a folder of yours"
        raise PermissionDenied(f"{error.filename} cannot be written: {mend}", provider="local", code="EACCES") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_is_full("this host's disk is full: delete a volume, a snapshot or files of your own") from error
        raise TransientError(f"{error.filename}: {error.strerror}", provider="local", code=str(error.errno)) from error


def disk_is_full(message: str) -> CapacityError:
    """The error when the disk of the state folder has not so much left."""
    avoid = Avoid(_AVOID_SECONDS, "local")
    return CapacityError(message, scope=AvoidScope.REGION, provider="local", code="DiskFull", avoid=avoid)


@contextmanager
def flock(path: Path, operation: int, flags: int = os.O_RDWR | os.O_CREAT) -> Iterator[int]:
    """The file or folder, locked; gives its descriptor."""
    descriptor = os.open(path, flags, PRIVATE)
    try:
        fcntl.flock(descriptor, operation)
        try:
            yield descriptor
        finally:
            # A child forked meanwhile holds this lock too, so it is let go of in words and not by closing alone.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


@contextmanager
def flock_within(path: Path, deadline: Deadline, flags: int) -> Iterator[int]:
    """The same for one that may be held for long: TransientError if the deadline comes first."""
    with ExitStack() as stack:
        while True:
            try:
                descriptor = stack.enter_context(flock(path, fcntl.LOCK_EX | fcntl.LOCK_NB, flags))
                break
            except BlockingIOError:
                deadline.check(f"waiting for another that is at {path.name}")
                deadline.clock.sleep(_POLL)
        yield descriptor


def load(path: Path) -> dict[str, Any] | None:
    """What `save` wrote there; None if it is not there."""
    with faults_told():
        try:
            loaded: dict[str, Any] = json.loads(path.read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        return loaded


def save(path: Path, content: dict[str, Any]) -> None:
    """Write the file, whole or not at all, such that it is there after the power went off."""
    replace(path, json.dumps(content), PRIVATE)


def names_in(folder: Path) -> list[str]:
    """What is in a folder, by name; nothing if it is not there."""
    with faults_told():
        try:
            return [entry.name for entry in os.scandir(folder)]
        except FileNotFoundError:
            return []


def make_passable(folder: Path) -> None:
    """Make a folder that others may pass through and not read."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(PASSABLE)
