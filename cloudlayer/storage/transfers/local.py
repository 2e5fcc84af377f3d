"""Files of this host: written beside their place and renamed at the end, and their errors in the words of all stores."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cloudlayer.errors import CloudError, Conflict, InvalidSpec, NotFound, PermissionDenied
from cloudlayer.storage.store import Store
from cloudlayer.storage.stores.renaming import check_name, temporary
from cloudlayer.storage.transfers.journal import WORTH_GOING_ON

FILES: Final = "file:///"
"""The URI of the store that is this host's files."""


def local_path(store: Store, key: str) -> Path | None:
    """The path that an object has on this host; None for one of any other store. InvalidSpec for a key that no path is."""
    if store.uri != FILES:
        return None
    check_name(FILES, key)
    return Path(f"/{key}")


@contextmanager
def told(path: Path, done: str) -> Iterator[None]:
    """Turn errors of the system into ours; `done` is what could not be done to the path, as in "be read"."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"{path} is not there") from None
    except PermissionError:
        raise PermissionDenied(f"{path} may not {done} by this user") from None
    except (FileExistsError, IsADirectoryError, NotADirectoryError):
        raise Conflict(f"{path} cannot {done}: a file is where a folder is wanted, or a folder where a file is") from None
    except OSError as error:
        raise CloudError(f"{path} cannot {done}: {error.strerror}") from None


def write(descriptor: int, data: bytes, place: int) -> None:
    """Write all of `data` at `place`."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, place)
        view, place = view[written:], place + written


@contextmanager
def replacing(path: Path, id: str, *, kept: bool = False) -> Iterator[int]:
    """A file beside `path`, open to be written to, that takes its place and its mode at the end. Folders above it are made.

    Until then its owner alone may read it, if there is a file at `path`. It is not synced: what a host that loses its power has
    not written yet is copied again. After an error it is removed, unless it is `kept` for a later try with the same id.
    """
    with told(path, "be written"):
        made, mode = _beside(path, id), _mode(path)
        descriptor = _opened(made, 0o666 if mode is None else 0o600)
        try:
            if mode is not None:
                os.fchmod(descriptor, 0o600)  # an earlier try may have made it when no file was there
            yield descriptor
            if mode is not None:
                os.fchmod(descriptor, mode)
            _put_in_place(made, path)
        except BaseException as error:
            if not (kept and isinstance(error, WORTH_GOING_ON)):
                made.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


def _beside(path: Path, id: str) -> Path:
    try:
        return Path(temporary(str(path.absolute()), id))
    except UnicodeEncodeError:
        raise InvalidSpec(f"{ascii(str(path))[1:-1]} has a name that is not UTF-8: choose another one") from None


def _opened(path: Path, mode: int) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, mode)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, mode)


def _mode(path: Path) -> int | None:
    """The mode of the file that is there, or None. InvalidSpec for a folder."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise InvalidSpec(f"{path} is a folder: name a file in it")
    return stat.S_IMODE(mode)


def _put_in_place(made: Path, path: Path) -> None:
    """Rename, while nobody who puts a file under `if_match` is between the look at its etag and the rename."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH)
        made.replace(path)
    finally:
        os.close(folder)
