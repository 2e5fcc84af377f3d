"""Where the bytes of an upload come from: a file of this host, or an object of another store."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from cloudlayer.errors import Changed, InvalidSpec
from cloudlayer.storage.objects import ObjectInfo
from cloudlayer.storage.store import Store
from cloudlayer.storage.transfers.buffers import READ_COPIES
from cloudlayer.storage.transfers.local import told


class Source(Protocol):
    """Bytes that can be read again, anywhere, by many threads."""

    name: str
    """What it is called, in the journal too."""
    version: str
    """Another one whenever its bytes are."""
    size: int
    copies: int
    """How often bytes that are read are in memory meanwhile."""
    crc32c: int | None
    """The sum that all of it has to have, where that is known."""

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` up to, not with, `end`; Changed if they are no longer what they were."""
        ...

    def check(self) -> None:
        """Changed if it is no longer what it was when it was opened."""
        ...


class FileSource:
    """A regular file. It is compared by size, time of change and inode: one that is written to meanwhile is an error."""

    copies = 1
    crc32c: int | None = None

    def __init__(self, path: Path) -> None:
        self.name = str(path.absolute())
        with told(path, "be read"):
            # Without O_NONBLOCK a pipe would block here until somebody writes to it.
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._descriptor)
            raise InvalidSpec(f"{path} is no regular file")
        self.size = status.st_size
        self.version = _version(status)

    def read(self, start: int, end: int) -> bytes:
        """As Source says."""
        data = os.pread(self._descriptor, end - start, start)
        while len(data) < end - start:  # more than 2 GiB, or an interrupted read
            more = os.pread(self._descriptor, end - start - len(data), start + len(data))
            if not more:
                raise self._changed()
            data += more
        return data

    def check(self) -> None:
        """As Source says."""
        if _version(os.fstat(self._descriptor)) != self.version:
            raise self._changed()

    def _changed(self) -> Changed:
        return Changed(f"{self.name} changed while it was read, and was not sent: try again when nothing writes to it")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._descriptor)


class ObjectSource:
    """An object of a store, read in ranges that must all be of the same etag."""

    copies = READ_COPIES

    def __init__(self, store: Store, info: ObjectInfo) -> None:
        self.name = store.uri + info.key
        self.version = f"{info.size} {info.etag}"
        self.size = info.size
        self.crc32c = info.crc32c
        self._store, self._info = store, info

    def read(self, start: int, end: int) -> bytes:
        """As Source says."""
        return self._store.get(self._info.key, start=start, end=end, if_match=self._info.etag)

    def check(self) -> None:
        """Every read was made under the etag."""
        return


def _version(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_dev} {status.st_ino}"
