"""Uploads for stores that have files and a rename, and no parts of their own: parts are appended to a temporary file.

    folder/.cloudlayer-upload-<id>-<name>   ── part after part ──▶   rename   ──▶   folder/name

The temporary file lies in the folder of its target, since a rename is atomic within one file system alone. What it has can be
read back, so a later process goes on with it. No list tells it, and no verb takes its name.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Mapping
from typing import Final, Protocol

from cloudlayer.errors import IntegrityError, InvalidSpec, NotFound
from cloudlayer.storage.checksums import combine, crc32c, verify
from cloudlayer.storage.limits import check_path
from cloudlayer.storage.objects import ObjectInfo, PutOptions, UploadInfo
from cloudlayer.storage.store import Data, Upload

PREFIX: Final = ".cloudlayer-upload-"
_TEMPORARY: Final = re.compile(rf"{re.escape(PREFIX)}(?P<id>[0-9a-f]{{12}})-(?P<name>.+)", re.DOTALL)
_LONGEST_NAME: Final = 255 - len(f"{PREFIX}{'0' * 12}-")
"""Bytes of a target's name that fit into a name of 255 bytes, which is the most that file systems take."""


def new_id() -> str:
    """An id that no other upload has."""
    return secrets.token_hex(6)


def temporary(key: str, id: str) -> str:
    """The key of an upload's temporary file. Of a name that is too long only the beginning is in it."""
    folder, slash, name = key.rpartition("/")
    name = name.encode("utf-8")[:_LONGEST_NAME].decode("utf-8", "ignore")
    return f"{folder}{slash}{PREFIX}{id}-{name}"


def is_temporary(name: str) -> bool:
    """Whether a name, without its folder, is that of a temporary file."""
    return name.startswith(PREFIX) and _TEMPORARY.fullmatch(name) is not None


def upload_of(path: str) -> UploadInfo | None:
    """The upload that a file belongs to; None for every other file. The key is as long as `temporary` kept it."""
    folder, slash, name = path.rpartition("/")
    match = _TEMPORARY.fullmatch(name)
    return UploadInfo(f"{folder}{slash}{match['name']}", match["id"]) if match else None


def check_name(uri: str, key: str) -> None:
    """InvalidSpec for a key that is no path (`check_path`), or that a temporary file could have."""
    check_path(uri, key)
    if PREFIX in key and any(is_temporary(segment) for segment in key.split("/")):
        raise InvalidSpec(f"{uri}{key} is no key here: names that start with {PREFIX} are those of uploads under way")


class Files(Protocol):
    """What a store does for its uploads; errors are those of `cloudlayer.errors`."""

    uri: str

    def create(self, path: str) -> None:
        """Make an empty file, and the folders above it."""
        ...

    def append(self, path: str, data: Data, offset: int) -> None:
        """Write `data` at `offset`. What a try that broke off left after it is thrown away. NotFound if the file is gone."""
        ...

    def length(self, path: str) -> int:
        """The file's size in bytes; NotFound if it is not there."""
        ...

    def content(self, path: str, start: int, stop: int) -> bytes:
        """The bytes from `start` up to, not with, `stop`, all of which are there."""
        ...

    def put_in_place(self, path: str, key: str, options: PutOptions) -> ObjectInfo:
        """Let the file be the object `key`: at once, under the conditions of `options`, and for good."""
        ...

    def remove(self, path: str) -> None:
        """Delete the file; one that is not there is no error."""
        ...


class RenamingUpload(Upload):
    """Parts in their order, each of `part_size` bytes but the last one."""

    def __init__(self, files: Files, key: str, options: PutOptions, part_size: int, *, resume: str | None = None) -> None:
        self.id = resume or new_id()
        self.part_size = part_size
        self._files = files
        self._key = key
        self._options = options
        self._path = temporary(key, self.id)
        self._lock = threading.Lock()
        self._sums: list[tuple[int, int]] = []
        if resume is None:
            files.create(self._path)
        else:
            self._sums = self._arrived()

    def have(self) -> Mapping[int, int]:
        """The sums of the parts that are whole; of an earlier try they were read back."""
        return {number: total for number, (total, _) in enumerate(self._sums, 1)}

    def part(self, number: int, data: Data) -> None:
        """Append the next part; ValueError for any other one."""
        with self._lock:
            if number != len(self._sums) + 1:
                raise ValueError(f"part {number} was sent, and part {len(self._sums) + 1} comes next: parts go in order here")
            view = memoryview(data).cast("B")
            self._files.append(self._path, view, self._size())
            self._sums.append((crc32c(data), len(view)))

    def complete(self, *, size: int, crc32c: int) -> ObjectInfo:
        """Rename the temporary file, if its size and sum are those told."""
        with self._lock:
            length = self._length()
            total = 0
            for part, part_length in self._sums:
                total = combine(total, part, part_length)
            uri = self._files.uri + self._key
            verify(uri, size=self._size(), expected_size=size, crc32c=total, expected=crc32c)
            verify(uri, size=length, expected_size=size, crc32c=None, expected=None)
            return self._files.put_in_place(self._path, self._key, self._options)

    def abort(self) -> None:
        """Delete the temporary file."""
        self._files.remove(self._path)

    def _size(self) -> int:
        return sum(length for _, length in self._sums)

    def _length(self) -> int:
        try:
            return self._files.length(self._path)
        except NotFound:
            message = f"{self._key}: this upload is not there: it was completed or thrown away"
            raise NotFound(message, provider=self._files.uri) from None

    def _arrived(self) -> list[tuple[int, int]]:
        whole = self._length() // self.part_size
        starts = (number * self.part_size for number in range(whole))
        return [(crc32c(self._read(start)), self.part_size) for start in starts]

    def _read(self, start: int) -> bytes:
        data = self._files.content(self._path, start, start + self.part_size)
        if len(data) != self.part_size:
            raise IntegrityError(f"{self._path} became shorter while it was read", provider=self._files.uri, code="Truncated")
        return data
