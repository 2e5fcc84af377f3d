"""Objects that are files in folders: the verbs of a store, written once over the few calls that such a server has.

    TreeStore ──▶ Tree      hdfs, webhdfs, sftp
       │            stat, scan, open, write, put_in_place, remove
       └─ put: write a temporary file beside the target, then rename it over

A reader has the old file or the new one, since both are whole whenever they have the name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias

from cloudlayer.errors import (
    AlreadyExists,
    Changed,
    CloudError,
    Conflict,
    NotFound,
    PermissionDenied,
    TransientError,
)
from cloudlayer.interfaces.capabilities import Capabilities
from cloudlayer.storage.checksums import crc32c, verify
from cloudlayer.storage.limits import check_put, is_path
from cloudlayer.storage.objects import PLAIN, Fault, ObjectInfo, Page, PutOptions, UploadInfo
from cloudlayer.storage.ranges import check, resolve
from cloudlayer.storage.readers import CheckedReader
from cloudlayer.storage.store import Data, Method, Reader, Store, Upload
from cloudlayer.storage.stores.deleting import each
from cloudlayer.storage.stores.renaming import (
    RenamingUpload,
    check_name,
    is_temporary,
    new_id,
    temporary,
    upload_of,
)
from cloudlayer.storage.stores.retries import retried

_PAGE: Final = 1000
_AT_ONCE: Final = 8
Pieces: TypeAlias = Callable[[], Iterable[Data]]
"""Gives a file's bytes from their beginning, each time that it is called."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder has under `name`. `reason` says why something is neither file nor folder."""

    name: str
    kind: Literal["file", "folder", "other"]
    size: int = 0
    etag: str | None = None
    modified: datetime | None = None
    reason: str = ""

    def info(self, key: str) -> ObjectInfo:
        """The file as an object."""
        return ObjectInfo(key, self.size, self.etag, self.modified)


class Opened(ABC):
    """A file, opened: what is written under its name from now on does not show in it."""

    info: ObjectInfo

    @abstractmethod
    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to, not with, `stop`, all of which are there."""

    def close(self) -> None:
        """Let go of it."""
        return


class Tree(ABC):
    """A server's files and folders. Paths are keys; errors are those of `cloudlayer.errors`. All but `open` try again."""

    uri: str

    @abstractmethod
    def stat(self, path: str) -> Entry:
        """What is there; NotFound if nothing is, or if what is above it is a file."""

    @abstractmethod
    def scan(self, folder: str) -> Iterable[Entry]:
        """What is in a folder ("" or with a "/" at its end), in any order; NotFound if it is no folder."""

    @abstractmethod
    def open(self, path: str) -> Opened:
        """Open a file; NotFound for a folder too."""

    @abstractmethod
    def write(self, path: str, pieces: Pieces, size: int, about: ObjectInfo) -> None:
        """Make a file of `size` bytes, with the folders above it, safe from a power cut, or none.

        Of `about` its metadata, content type and sum are kept, where the server keeps any.
        """

    @abstractmethod
    def head(self, key: str) -> ObjectInfo:
        """All that is known of a file."""

    @abstractmethod
    def create(self, path: str) -> None:
        """As `renaming.Files`, as all that follow."""

    @abstractmethod
    def append(self, path: str, data: Data, offset: int) -> None: ...  # noqa: D102

    @abstractmethod
    def length(self, path: str) -> int: ...  # noqa: D102

    @abstractmethod
    def content(self, path: str, start: int, stop: int) -> bytes: ...  # noqa: D102

    @abstractmethod
    def rename(self, path: str, key: str, replace: bool) -> None:
        """Rename a file, in one try; AlreadyExists if `key` is there and not to be replaced."""

    @abstractmethod
    def remove(self, path: str) -> None: ...  # noqa: D102

    def put_in_place(self, path: str, key: str, options: PutOptions) -> ObjectInfo:
        """Rename. If the answer is lost, where the temporary file is tells whether it was done."""
        made = replace(self.head(path), key=key)
        try:
            retried(lambda: self._renamed(path, made, not options.if_absent))
        except CloudError as error:
            raise self._refused(key, error) from None
        return made

    def _renamed(self, path: str, made: ObjectInfo, replacing: bool) -> None:
        try:
            self.rename(path, made.key, replacing)
        except (NotFound, TransientError):
            if self.is_file(path) or self.head(made.key).etag != made.etag:
                raise

    def is_file(self, path: str) -> bool:
        """Whether a file is there."""
        try:
            self.head(path)
        except NotFound:
            return False
        return True

    def _refused(self, key: str, error: CloudError) -> CloudError:
        with suppress(CloudError):
            if self.stat(key).kind == "folder":
                return Conflict(f"{key} is a folder", provider=self.uri, code=error.code)
        return AlreadyExists(f"{key} is there already", provider=self.uri) if isinstance(error, AlreadyExists) else error

    def check(self, key: str) -> None:
        """InvalidSpec for a key that the server could not keep as it is."""
        check_name(self.uri, key)

    def upload(self, key: str, options: PutOptions, part_size: int, resume: str | None) -> Upload:
        """Begin an upload, or go on with one."""
        return RenamingUpload(self, key, options, part_size, resume=resume)

    def close(self) -> None:
        """Let go of connections."""
        return


class TreeStore(Store):
    """The verbs over a tree."""

    def __init__(self, tree: Tree, capabilities: Capabilities, part_size: int) -> None:
        self.uri = tree.uri
        self.capabilities = capabilities
        self._tree = tree
        self._part_size = part_size

    def get(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """The bytes; what broke off is read anew."""
        self._check(key)
        check(self.uri + key, start, end)
        return retried(lambda: self._get(key, start, end, if_match))

    def _get(self, key: str, start: int | None, end: int | None, if_match: str | None) -> bytes:
        with closing(self._opened(key, if_match)) as opened:
            info = opened.info
            first, stop = resolve(self.uri + key, info.size, start, end)
            data = b"".join(opened.pieces(first, stop))
        whole = stop - first == info.size
        total = crc32c(data) if whole and info.crc32c is not None else None
        verify(self.uri + key, size=len(data), expected_size=stop - first, crc32c=total, expected=info.crc32c)
        return data

    def open(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> Reader:
        """The file as it is now."""
        self._check(key)
        check(self.uri + key, start, end)
        opened = retried(lambda: self._opened(key, if_match))
        try:
            first, stop = resolve(self.uri + key, opened.info.size, start, end)
        except BaseException:
            opened.close()
            raise
        whole = stop - first == opened.info.size
        pieces = opened.pieces(first, stop)
        return CheckedReader(self.uri + key, opened.info, pieces, expected=stop - first, whole=whole, close=opened.close)

    def _opened(self, key: str, if_match: str | None) -> Opened:
        opened = self._tree.open(key)
        try:
            self._unchanged(opened.info, if_match)
        except Changed:
            opened.close()
            raise
        return opened

    def _unchanged(self, info: ObjectInfo, if_match: str | None) -> ObjectInfo:
        if if_match not in {None, info.etag}:
            raise Changed(f"{info.key} is another one by now: its etag is {info.etag}, not {if_match}", provider=self.uri)
        return info

    def head(self, key: str) -> ObjectInfo:
        """What its file says."""
        self._check(key)
        return self._tree.head(key)

    def put(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """Write a temporary file, and rename it over."""
        self._check(key)
        check_put(self.uri, self.capabilities, options)
        view = memoryview(data).cast("B")
        about = ObjectInfo(key, len(view), None, None, options.content_type, options.metadata, crc32c(view))
        return self._put(key, lambda: [view], about, options)

    def _put(self, key: str, pieces: Pieces, about: ObjectInfo, options: PutOptions) -> ObjectInfo:
        path = temporary(key, new_id())
        try:
            self._tree.write(path, pieces, about.size, about)
            return self._tree.put_in_place(path, key, options)
        except BaseException:
            with suppress(CloudError):
                self._tree.remove(path)
            raise

    def upload(self, key: str, options: PutOptions = PLAIN, *, size: int | None = None, resume: str | None = None) -> Upload:
        """Parts are appended to a temporary file, in their order."""
        self._check(key)
        check_put(self.uri, self.capabilities, options)
        if resume is not None:
            known = upload_of(temporary(key, resume))
            if known is None or known.id != resume:
                raise NotFound(f"{key}: this upload is not there: it was completed or thrown away", provider=self.uri)
        elif options.if_absent and self._tree.is_file(key):
            raise AlreadyExists(f"{key} is there already", provider=self.uri)
        return self._tree.upload(key, options, self._part_size, resume)

    def uploads(self, prefix: str = "") -> Iterator[UploadInfo]:
        """Temporary files, those of a `put` that died too; a name that was too long is told cut off."""
        for path, entry in self._walk(prefix.rpartition("/")[0]):
            found = upload_of(path) if isinstance(entry, Entry) and entry.kind == "file" else None
            if found is not None and found.key.startswith(prefix):
                yield replace(found, begun=entry.modified) if isinstance(entry, Entry) else found

    def discard(self, upload: UploadInfo) -> None:
        """Delete the temporary file."""
        path = temporary(upload.key, upload.id)
        if upload_of(path) is not None and is_path(path):
            self._tree.remove(path)

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Delete the file; the folders above it stay."""
        self._check(key)
        if if_match is not None:
            self.capabilities.require("compare_and_swap")
        self._tree.remove(key)

    def delete_many(self, keys: Sequence[str]) -> dict[str, Exception]:
        """A call a key, some at once."""
        return each(self.delete, keys, _AT_ONCE)

    def copy(self, key: str, target: str, options: PutOptions = PLAIN, *, if_match: str | None = None) -> ObjectInfo:
        """Read it, and put it under the other key."""
        self._check(key)
        self._check(target)
        check_put(self.uri, self.capabilities, options)
        if key == target:
            return self._unchanged(self._tree.head(key), if_match)
        with closing(retried(lambda: self._opened(key, if_match))) as opened:
            info = opened.info
            if options.if_absent and self._tree.is_file(target):
                raise AlreadyExists(f"{target} is there already", provider=self.uri)
            about = replace(
                info,
                content_type=options.content_type or info.content_type,
                metadata=options.metadata or info.metadata,
            )
            return self._put(target, lambda: opened.pieces(0, info.size), about, options)

    def list(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> Iterator[Page]:
        """Folder after folder; of each all is read before its first object is told."""
        objects: list[ObjectInfo] = []
        folders: list[str] = []
        faults: list[Fault] = []
        for key, entry in self._keys(prefix, shallow, after):
            if isinstance(entry, Fault):
                faults.append(entry)
            elif entry.kind == "folder":
                folders.append(key)
            elif entry.kind == "file":
                objects.append(entry.info(key))
            else:
                faults.append(Fault(key, entry.reason))
            if len(objects) + len(folders) + len(faults) == _PAGE:
                yield Page(tuple(objects), tuple(folders), tuple(faults))
                objects, folders, faults = [], [], []
        if objects or folders or faults:
            yield Page(tuple(objects), tuple(folders), tuple(faults))

    def _keys(self, prefix: str, shallow: bool, after: str) -> Iterator[tuple[str, Entry | Fault]]:
        for key, entry in self._walk(prefix.rpartition("/")[0], prefix, shallow, after):
            if not is_temporary(key.rpartition("/")[2]):
                yield key, entry

    def _walk(
        self, folder: str, prefix: str = "", shallow: bool = False, after: str = ""
    ) -> Iterator[tuple[str, Entry | Fault]]:
        """What is below a folder, in order of the keys, from `after` on; a folder itself in a shallow walk alone."""
        if folder and not is_path(folder):
            return
        try:
            yield from self._below(f"{folder}/" if folder else "", prefix, shallow, after)
        except NotFound:
            return

    def _below(self, folder: str, prefix: str, shallow: bool, after: str) -> Iterator[tuple[str, Entry | Fault]]:
        entries = sorted(self._tree.scan(folder), key=_in_order)
        for entry in entries:
            key = folder + _in_order(entry)
            if not key.startswith(prefix) or (key <= after and not (entry.kind == "folder" and after.startswith(key))):
                continue
            if entry.kind != "folder":
                yield key, entry
            elif not shallow:
                yield from self._inside(key, after)
            elif not after.startswith(key) or next(self._inside(key, after), None) is not None:
                yield key, entry

    def _inside(self, folder: str, after: str) -> Iterator[tuple[str, Entry | Fault]]:
        """As `_below`, for a folder that may be gone by now, or may not be read."""
        try:
            yield from self._below(folder, "", False, after)
        except NotFound:
            return
        except PermissionDenied as error:
            yield folder, Fault(folder, f"may not be read: {error.message}")

    def sign(self, key: str, method: Method, expires: float) -> str:
        """Unsupported."""
        raise self.lacks("sign")

    def tags(self, key: str) -> dict[str, str]:
        """Unsupported."""
        raise self.lacks("tags")

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Unsupported."""
        raise self.lacks("tags")

    def close(self) -> None:
        """Let go of connections."""
        self._tree.close()

    def _check(self, key: str) -> None:
        self._tree.check(key)


def _in_order(entry: Entry) -> str:
    """The name, as it stands in keys: that of a folder with the slash that follows it."""
    return f"{entry.name}/" if entry.kind == "folder" else entry.name
