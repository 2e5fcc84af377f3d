"""webhdfs://HOST:PORT/KEY: files of HDFS, by its REST API.

The NameNode answers what names are about, and sends to a DataNode for what bytes are about; a body never goes to the NameNode.
Metadata, content type and CRC-32C of the whole stand in one extended attribute, `user.cloudlayer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import SecretStr
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed
from urllib3 import HTTPResponse, Timeout

from cloudlayer.errors import IntegrityError, InvalidSpec, NotFound, TransientError
from cloudlayer.specs import Duration, Size, Spec, checked
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.store import Data, Store, Upload
from cloudlayer.storage.stores.hdfs_errors import check_path
from cloudlayer.storage.stores.renaming import RenamingUpload
from cloudlayer.storage.stores.retries import retried
from cloudlayer.storage.stores.roots import absolute
from cloudlayer.storage.stores.trees import Entry, Opened, Pieces, Tree, TreeStore
from cloudlayer.storage.stores.webhdfs_attributes import ATTRIBUTE, read_attribute, write_attribute
from cloudlayer.storage.stores.webhdfs_calls import Calls
from cloudlayer.units import MIB

_LACKS: Final = {
    "compare_and_swap": "HDFS has no rename under a condition on the file that it replaces",
    "checked_put": "WebHDFS takes no checksum with a body: the size is compared, and the sum when it is read",
    "tags": "HDFS has no tags",
    "server_copy": "HDFS has no copy of its own: the bytes go through this process",
    "sign": "HDFS has no temporary URLs",
    "parallel_parts": "a file of HDFS grows at its end alone",
    "any_key": "keys are paths of HDFS: no part between slashes is empty, `.` or `..`, and none has a colon",
    "key_is_no_folder": "folders of HDFS are real",
    "no_empty_folders": "folders of HDFS stay when they are empty",
}
_NO_ATTRIBUTES: Final = "`attributes` is false in the settings: the NameNode has extended attributes switched off"
_WITHOUT_ATTRIBUTES: Final = dict.fromkeys(("metadata", "content_type", "checked_get"), _NO_ATTRIBUTES)
_PIECE: Final = 1 * MIB
_RECOVERING: Final = "RecoveryInProgressException"
_RECOVERED: Final = Retrying(
    retry=retry_if_exception(lambda error: isinstance(error, TransientError) and error.code == _RECOVERING),
    wait=wait_fixed(0.2),
    stop=stop_after_delay(30.0),
    reraise=True,
)
"""DataNodes hear of a file's recovery with their next heartbeat, which is every three seconds."""


class Settings(Spec):
    """What may be set for an account of webhdfs://. `root` is the folder at which keys start.

    `user` is the name that a NameNode without Kerberos believes; `token` is a delegation token. `attributes` is false for a
    NameNode whose extended attributes are switched off.
    """

    root: str = "/"
    user: str | None = None
    token: SecretStr | None = None
    tls: bool = False
    attributes: bool = True
    part_size: Size = 8 * MIB
    timeout: Duration = 60.0
    connect_timeout: Duration = 10.0


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """A NameNode's "host:port" for HTTP."""
    made = checked(Settings, settings, f"stores.{account}")
    if not authority:
        raise InvalidSpec(f"{account}:/// has no NameNode: write {account}://HOST:PORT/KEY")
    uri = f"{account}://{authority}/"
    base = f"{'https' if made.tls else 'http'}://{authority}"
    who = {"delegation": made.token} if made.token is not None else {"user.name": SecretStr(made.user)} if made.user else {}
    calls = Calls(uri, base, absolute(uri, made.root), who, Timeout(connect=made.connect_timeout, read=made.timeout))
    lacks = _LACKS if made.attributes else {**_LACKS, **_WITHOUT_ATTRIBUTES}
    return TreeStore(WebHdfsTree(calls, made.attributes), declare(uri, **lacks), made.part_size)


class WebHdfsTree(Tree):
    """The calls of WebHDFS."""

    def __init__(self, calls: Calls, attributes: bool) -> None:
        self.uri = calls.uri
        self._calls = calls
        self._attributes = attributes

    def check(self, key: str) -> None:
        """No colon."""
        check_path(self.uri, key)

    def stat(self, path: str) -> Entry:
        """By one call."""
        return retried(lambda: _entry(self._calls.json("GET", path, "GETFILESTATUS")["FileStatus"]))

    def scan(self, folder: str) -> Iterable[Entry]:
        """As many names a call as the NameNode likes."""
        after, left = "", 1
        while left:
            listing = retried(
                lambda after=after: self._calls.json("GET", folder, "LISTSTATUS_BATCH", startAfter=after)  # type: ignore[misc]
            )["DirectoryListing"]
            statuses = listing["partialListing"]["FileStatuses"]["FileStatus"]
            if any(not status["pathSuffix"] for status in statuses):  # a file is listed as itself
                raise NotFound(f"{folder} is no folder", provider=self.uri)
            yield from map(_entry, statuses)
            left = listing["remainingEntries"] if statuses else 0
            after = statuses[-1]["pathSuffix"] if statuses else ""

    def head(self, key: str) -> ObjectInfo:
        """Its status, its attribute, and its status again, until both times it is the same file."""
        info = self._file(key)
        while self._attributes:
            full = self._with_attribute(info)
            again = self._file(key)
            if again == info:
                return full
            info = again
        return info

    def _file(self, key: str) -> ObjectInfo:
        entry = self.stat(key)
        if entry.kind != "file":
            raise NotFound(f"{key} is a folder", provider=self.uri)
        return entry.info(key)

    def _with_attribute(self, info: ObjectInfo) -> ObjectInfo:
        if not self._attributes:
            return info
        found = retried(lambda: self._calls.json("GET", info.key, "GETXATTRS", encoding="hex"))["XAttrs"]
        values = (attribute["value"] for attribute in found if attribute["name"] == ATTRIBUTE)
        return read_attribute(info, next(values, None))

    def open(self, path: str) -> Opened:
        """Open it between two looks at it, until both see the same file."""
        info = self._file(path)
        while True:
            full = self._with_attribute(info)
            file = WebHdfsFile(self._calls, full, self._calls.stream(path, 0, info.size) if info.size else None)
            try:
                again = self._file(path)
            except BaseException:
                file.close()
                raise
            if again == info:
                return file
            file.close()
            info = again

    def write(self, path: str, pieces: Pieces, size: int, about: ObjectInfo) -> None:
        """Folders above the file are made with it; its attribute is there before it has its name."""
        retried(lambda: self._calls.send("PUT", path, "CREATE", pieces(), size, overwrite="true"))
        arrived = self.length(path)
        if arrived != size:
            raise IntegrityError(f"{path}: {arrived} bytes arrived of {size}", provider=self.uri, code="Truncated")
        self.describe(path, about)

    def describe(self, path: str, about: ObjectInfo) -> None:
        """Keep metadata, content type and sum with the file."""
        if self._attributes:
            asked = {"xattr.name": ATTRIBUTE, "xattr.value": write_attribute(about), "flag": "CREATE,REPLACE"}
            retried(lambda: self._calls.done("PUT", path, "SETXATTR", **asked))

    def create(self, path: str) -> None:
        """An empty file, closed."""
        retried(lambda: self._calls.send("PUT", path, "CREATE", (), 0, overwrite="true"))

    def append(self, path: str, data: Data, offset: int) -> None:
        """What a try that broke off left after `offset` is cut off before; HDFS takes some seconds until it is."""
        retried(lambda: _RECOVERED.copy()(lambda: self._append(path, data, offset)))

    def _append(self, path: str, data: Data, offset: int) -> None:
        length = self.length(path)
        if length < offset:
            raise IntegrityError(f"{path} lost bytes: it has {length} of {offset}", provider=self.uri, code="Truncated")
        if length > offset:
            self._calls.json("POST", path, "TRUNCATE", newlength=str(offset))
        self._calls.send("POST", path, "APPEND", (data,), len(data))

    def length(self, path: str) -> int:
        """Its size."""
        return self._file(path).size

    def content(self, path: str, start: int, stop: int) -> bytes:
        """By a call of its own."""
        return retried(lambda: b"".join(WebHdfsFile(self._calls, ObjectInfo(path, stop)).pieces(start, stop)))

    def rename(self, path: str, key: str, replace: bool) -> None:
        """In one step on the NameNode."""
        how = "OVERWRITE" if replace else "NONE"
        self._calls.done("PUT", path, "RENAME", destination=self._calls.path(key), renameoptions=how)

    def remove(self, path: str) -> None:
        """Of a folder, nothing is deleted."""
        with suppress(NotFound):
            if self.stat(path).kind == "file":
                retried(lambda: self._calls.json("DELETE", path, "DELETE"))

    def upload(self, key: str, options: PutOptions, part_size: int, resume: str | None) -> Upload:
        """One that describes the file before it is put in place."""
        return WebHdfsUpload(self, key, options, part_size, resume=resume)

    def close(self) -> None:
        """Let go of connections."""
        self._calls.close()


class WebHdfsUpload(RenamingUpload):
    """The whole's sum is known at the end alone."""

    def __init__(self, tree: WebHdfsTree, key: str, options: PutOptions, part_size: int, *, resume: str | None) -> None:
        super().__init__(tree, key, options, part_size, resume=resume)
        self._tree = tree

    def complete(self, *, size: int, crc32c: int) -> ObjectInfo:
        """Keep metadata and sum with the temporary file, and go on."""
        options = self._options
        self._length()
        self._tree.describe(self._path, ObjectInfo(self._key, size, None, None, options.content_type, options.metadata, crc32c))
        return super().complete(size=size, crc32c=crc32c)


class WebHdfsFile(Opened):
    """A file whose first bytes were asked for when it was opened; for a range it is asked again."""

    def __init__(self, calls: Calls, info: ObjectInfo, answer: HTTPResponse | None = None) -> None:
        self.info = info
        self._calls = calls
        self._answer = answer

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """A mebibyte each."""
        if start == stop:
            return
        if self._answer is None or start:
            self.close()
            self._answer = self._calls.stream(self.info.key, start, stop - start)
        left = stop - start
        for piece in self._calls.pieces(self._answer, _PIECE):
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                break
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()
            answer.release_conn()


def _entry(status: Mapping[str, Any]) -> Entry:
    modified = datetime.fromtimestamp(status["modificationTime"] / 1000, UTC)
    name = status["pathSuffix"]
    if status["type"] == "DIRECTORY":
        return Entry(name, "folder", modified=modified)
    if status["type"] != "FILE":
        return Entry(name, "other", reason="is a symbolic link")
    return Entry(name, "file", status["length"], f"{status['fileId']:x}-{status['modificationTime']:x}", modified)
