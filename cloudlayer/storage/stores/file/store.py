"""The verbs of file://."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from cloudlayer.errors import Changed, CloudLayerError
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.checksums import verify
from cloudlayer.storage.limits import check_put
from cloudlayer.storage.objects import PLAIN, ObjectInfo, Page, PutOptions, UploadInfo
from cloudlayer.storage.ranges import check, resolve
from cloudlayer.storage.readers import CheckedReader
from cloudlayer.storage.store import Data, Method, Reader, Store, Upload
from cloudlayer.storage.stores.file import listing
from cloudlayer.storage.stores.file.telling import ABSENT, absent, etag, info, is_file, path_of, status_of, telling
from cloudlayer.storage.stores.file.writing import Writing, copy_all, write_all
from cloudlayer.storage.stores.renaming import RenamingUpload, temporary
from cloudlayer.units import MIB

_PIECE: Final = MIB
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
"""Without O_NONBLOCK, opening a pipe would wait for its writer."""
_BESIDE: Final = "a file has no place for more than its bytes that every file system has and every copy takes along"
MISSING: Final = {
    "metadata": _BESIDE,
    "content_type": _BESIDE,
    "tags": _BESIDE,
    "checked_put": "a file system takes no checksum",
    "checked_get": f"no checksum is kept: {_BESIDE}",
    "sign": "a file has no URL by which another host could reach it",
    "parallel_parts": "a file grows at its end, so that its length tells what has arrived",
    "any_key": 'a path has no part that is empty, "." or "..", and none longer than 255 bytes',
    "key_is_no_folder": "a file system has one of both under a name",
    "no_empty_folders": "a folder stays when its last file is deleted: it may be another's",
}


class FileStore(Store):
    """The files of this host."""

    def __init__(self, uri: str, part_size: int) -> None:
        self.uri = uri
        self.capabilities = declare(uri, **MISSING)
        self._part_size = part_size
        self._writing = Writing(uri)

    def get(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """The file's bytes; IntegrityError if it becomes shorter while it is read."""
        check(self.uri + key, start, end)
        file, status = self._open(key, if_match)
        with file, telling(self.uri, key):
            first, stop = resolve(self.uri + key, status.st_size, start, end)
            file.seek(first)
            data = file.read(stop - first)
        verify(self.uri + key, size=len(data), expected_size=stop - first, crc32c=None, expected=None)
        return data

    def open(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> Reader:
        """The file as it is now: a put later puts another one in its place, which does not show here."""
        check(self.uri + key, start, end)
        file, status = self._open(key, if_match)
        try:
            first, stop = resolve(self.uri + key, status.st_size, start, end)
        except CloudLayerError:
            file.close()
            raise
        pieces = self._pieces(file, key, first, stop)
        made = info(key, status)
        return CheckedReader(self.uri + key, made, pieces, expected=stop - first, whole=False, close=file.close)

    def _open(self, key: str, if_match: str | None) -> tuple[BinaryIO, os.stat_result]:
        path = path_of(self.uri, key)
        with telling(self.uri, key):
            try:
                descriptor = os.open(path, _READ)
            except OSError as error:
                if error.errno in ABSENT:
                    raise absent(self.uri, key) from None
                raise
            status = os.fstat(descriptor)
        if not is_file(status):
            os.close(descriptor)
            raise absent(self.uri, key)
        if if_match is not None and etag(status) != if_match:
            os.close(descriptor)
            self._writing.match(key, status, if_match)
        return os.fdopen(descriptor, "rb", buffering=0), status

    def _pieces(self, file: BinaryIO, key: str, first: int, stop: int) -> Iterator[bytes]:
        with telling(self.uri, key):
            file.seek(first)
            while first < stop and (piece := file.read(min(_PIECE, stop - first))):
                first += len(piece)
                yield piece

    def head(self, key: str) -> ObjectInfo:
        """The file's status."""
        return info(key, self._status(key))

    def _status(self, key: str) -> os.stat_result:
        path = path_of(self.uri, key)
        with telling(self.uri, key):
            status = status_of(path)
        if status is None or not is_file(status):
            raise absent(self.uri, key)
        return status

    def put(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """Write beside, sync, rename; the mode of a file that is replaced stays."""
        path_of(self.uri, key)
        check_put(self.uri, self.capabilities, options)
        return self._writing.write(key, lambda descriptor: write_all(descriptor, data), options)

    def upload(self, key: str, options: PutOptions = PLAIN, *, size: int | None = None, resume: str | None = None) -> Upload:
        """Parts are appended to a file beside it."""
        path_of(self.uri, key)
        check_put(self.uri, self.capabilities, options)
        with telling(self.uri, key):
            self._writing.check(key, options)
        return RenamingUpload(self._writing, key, options, self._part_size, resume=resume)

    def uploads(self, prefix: str = "") -> Iterator[UploadInfo]:
        """Files that puts and uploads left beside their targets; those of puts under way are among them."""
        return listing.uploads(self.uri, prefix)

    def discard(self, upload: UploadInfo) -> None:
        """Delete the file."""
        self._writing.remove(temporary(upload.key, upload.id))

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Delete the file, or the link to it. What is no file stays: a folder, a pipe, a link that leads nowhere."""
        path = path_of(self.uri, key)
        with telling(self.uri, key):
            try:
                with self._writing.locked(path, alone=if_match is not None):
                    self._delete(key, path, if_match)
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
                if if_match is not None:
                    raise absent(self.uri, key) from None

    def _delete(self, key: str, path: bytes, if_match: str | None) -> None:
        there = status_of(path)
        if not is_file(there):
            there = None
        if if_match is not None:
            self._writing.match(key, there, if_match)
        if there is not None:
            os.unlink(path)  # noqa: PTH108

    def delete_many(self, keys: Sequence[str]) -> dict[str, Exception]:
        """Delete one after the other."""
        failed: dict[str, Exception] = {}
        for key in keys:
            try:
                self.delete(key)
            except CloudLayerError as error:
                failed[key] = error
        return failed

    def copy(self, key: str, target: str, options: PutOptions = PLAIN, *, if_match: str | None = None) -> ObjectInfo:
        """The system copies. Changed if the file is written to meanwhile."""
        path_of(self.uri, target)
        check_put(self.uri, self.capabilities, options)
        file, status = self._open(key, if_match)
        with file:
            if key == target:
                with telling(self.uri, key):
                    self._writing.check(key, options)
                return info(key, status)

            def fill(descriptor: int) -> None:
                copy_all(file.fileno(), descriptor, status.st_size)
                if etag(os.fstat(file.fileno())) != etag(status):
                    raise Changed(f"{key} was written to while it was copied", provider=self.uri)

            return self._writing.write(target, fill, options)

    def list(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> Iterator[Page]:
        """Folder by folder; what is no object is among the faults."""
        return listing.pages(self.uri, prefix, shallow=shallow, after=after)

    def sign(self, key: str, method: Method, expires: float) -> str:
        """Unsupported."""
        raise self.lacks("sign")

    def tags(self, key: str) -> dict[str, str]:
        """Unsupported."""
        raise self.lacks("tags")

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Unsupported."""
        raise self.lacks("tags")
