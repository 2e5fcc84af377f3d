"""How a file comes to be: written beside its place under another name, made safe on the disk, and put in place at once.

Whoever puts something in place holds a lock of its folder meanwhile: a shared one, or under `if_match` the only one. So nothing
comes between the look at the etag and the rename, in this process or another. The lock is the system's own (`flock`) on the
folder itself: it leaves nothing behind, and ends with its holder.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from cloudlayer.errors import AlreadyExists, Changed, Conflict, IntegrityError
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.store import Data
from cloudlayer.storage.stores.file.telling import absent, etag, info, is_file, status_of, telling
from cloudlayer.storage.stores.renaming import new_id, temporary, upload_of

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_THERE: Final = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class Writing:
    """Puts files in place; what uploads ask for as well (`renaming.Files`)."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def write(self, key: str, fill: Callable[[int], None], options: PutOptions) -> ObjectInfo:
        """Make the object `key` of what `fill` writes into a descriptor."""
        path = temporary(key, new_id())
        try:
            with telling(self.uri, key):
                descriptor = _create(_path(path), _path(key))
                try:
                    fill(descriptor)
                finally:
                    os.close(descriptor)
            return self.put_in_place(path, key, options)
        except BaseException:
            self.remove(path)
            raise

    def create(self, path: str) -> None:
        """Make an empty file, and the folders above it."""
        upload = upload_of(path)
        with telling(self.uri, path):
            os.close(_create(_path(path), _path(upload.key) if upload else None))

    def append(self, path: str, data: Data, offset: int) -> None:
        """Write `data` at `offset`, and nothing after it."""
        with telling(self.uri, path):
            descriptor = os.open(_path(path), _THERE)
            try:
                os.ftruncate(descriptor, offset)
                os.lseek(descriptor, offset, os.SEEK_SET)
                write_all(descriptor, data)
            finally:
                os.close(descriptor)

    def length(self, path: str) -> int:
        """The file's size in bytes."""
        with telling(self.uri, path):
            return os.stat(_path(path)).st_size  # noqa: PTH116

    def content(self, path: str, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop`."""
        with telling(self.uri, path), open(_path(path), "rb") as file:  # noqa: PTH123
            file.seek(start)
            return file.read(stop - start)

    def put_in_place(self, path: str, key: str, options: PutOptions) -> ObjectInfo:
        """Sync the file `path`, and let it be `key`, at once and for good."""
        made, target = _path(path), _path(key)
        with telling(self.uri, key):
            _sync(made)
            with self.locked(target, alone=options.if_match is not None) as folder:
                there = self.check(key, options)
                _finish(made, there)
                if options.if_absent:
                    self._link(made, target, key)
                else:
                    os.rename(made, target)  # noqa: PTH104
                status = os.lstat(target)
                os.fsync(folder)
        return info(key, status)

    def remove(self, path: str) -> None:
        """Delete a file, if it is there."""
        with telling(self.uri, path), suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(_path(path))  # noqa: PTH108

    def check(self, key: str, options: PutOptions) -> os.stat_result | None:
        """The file that is there, or None; an error if the conditions do not hold, or if what is there is no file."""
        there = status_of(_path(key))
        if there is not None and not is_file(there):
            what = "a folder" if stat.S_ISDIR(there.st_mode) else "a pipe, a socket or a device"
            raise Conflict(f"{key} is {what}, and stays so", provider=self.uri)
        if options.if_absent and there is not None:
            raise AlreadyExists(f"{key} is there already", provider=self.uri)
        if options.if_match is not None:
            self.match(key, there, options.if_match)
        return there

    def match(self, key: str, there: os.stat_result | None, if_match: str) -> None:
        """NotFound or Changed unless the file has this etag."""
        if there is None:
            raise absent(self.uri, key)
        if etag(there) != if_match:
            message = f"{key} is another one by now: its etag is {etag(there)}, not {if_match}"
            raise Changed(message, provider=self.uri)

    def _link(self, made: bytes, target: bytes, key: str) -> None:
        """Give the file its name only if nothing has it, not even for a program that knows no lock."""
        try:
            os.link(made, target)
        except FileExistsError:
            if status_of(target) is None:
                raise Conflict(f"{key} is a symbolic link that leads nowhere: delete it", provider=self.uri) from None
            raise AlreadyExists(f"{key} is there already", provider=self.uri) from None
        os.unlink(made)  # noqa: PTH108

    @contextmanager
    def locked(self, target: bytes, *, alone: bool) -> Iterator[int]:
        """Hold the lock of the folder of `target`; gives the folder's descriptor."""
        folder = os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # noqa: PTH120
        try:
            fcntl.flock(folder, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield folder
        finally:
            os.close(folder)


def write_all(descriptor: int, data: Data) -> None:
    """Write all of `data`; the system may take it in pieces."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(descriptor, view) :]


def copy_all(source: int, descriptor: int, size: int) -> None:
    """Let the system copy a file of `size` bytes; IntegrityError if it became shorter meanwhile."""
    offset = 0
    while offset < size:
        copied = os.sendfile(descriptor, source, offset, size - offset)
        if copied == 0:
            raise IntegrityError(f"{offset} bytes were there to copy, of {size}", code="Truncated")
        offset += copied


def _path(key: str) -> bytes:
    return b"/" + key.encode("utf-8")


def _create(path: bytes, target: bytes | None) -> int:
    """A new file, which never lets more users in than the one in whose place it comes."""
    there = status_of(target) if target is not None else None
    mode = stat.S_IMODE(there.st_mode) if there is not None and is_file(there) else 0o666
    try:
        return os.open(path, _NEW, mode & 0o777)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        return os.open(path, _NEW, mode & 0o777)


def _finish(made: bytes, there: os.stat_result | None) -> None:
    """The mode of the file before, and a time that no other put has: the system's own tick is milliseconds long."""
    if there is not None:
        os.chmod(made, stat.S_IMODE(there.st_mode))  # noqa: PTH101
    now = time.time_ns()
    os.utime(made, ns=(now, now))


def _sync(path: bytes) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
