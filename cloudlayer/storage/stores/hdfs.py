"""hdfs://HOST:PORT/KEY: files of HDFS, by its own protocol and the package hdfs-native.

HDFS keeps a CRC-32C for every 512 bytes: it is computed here when a file is written, and verified by DataNodes when they
receive it and by this client when it is read. Addresses and Kerberos come from HADOOP_CONF_DIR, the user from HADOOP_USER_NAME
or, without that, from the process.
"""

from __future__ import annotations

import ast
import getpass
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import hdfs_native

from cloudlayer.errors import (
    AlreadyExists,
    CloudError,
    IntegrityError,
    InvalidSpec,
    NotFound,
    PermissionDenied,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.specs import Duration, Size, Spec, checked
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.objects import ObjectInfo
from cloudlayer.storage.store import Data, Store
from cloudlayer.storage.stores.deadlines import within
from cloudlayer.storage.stores.hdfs_errors import check_path, translate
from cloudlayer.storage.stores.retries import retried
from cloudlayer.storage.stores.roots import absolute
from cloudlayer.storage.stores.trees import Entry, Opened, Pieces, Tree, TreeStore
from cloudlayer.units import MIB

if TYPE_CHECKING:
    from hdfs_native._internal import RawFileWriter

_LACKS: Final = {
    "compare_and_swap": "HDFS has no rename under a condition on the file that it replaces",
    "metadata": "the client library of hdfs:// has no extended attributes: webhdfs:// keeps metadata",
    "content_type": "the client library of hdfs:// has no extended attributes: webhdfs:// keeps content types",
    "tags": "HDFS has no tags",
    "server_copy": "HDFS has no copy of its own: the bytes go through this process",
    "sign": "HDFS has no temporary URLs",
    "parallel_parts": "a file of HDFS grows at its end alone",
    "any_key": "keys are paths of HDFS: no part between slashes is empty, `.` or `..`, and none has a colon",
    "key_is_no_folder": "folders of HDFS are real",
    "no_empty_folders": "folders of HDFS stay when they are empty",
}
_PIECE: Final = 1 * MIB
_RPC: Final = re.compile(r'RPCError\((?P<class>"[\w.$]+"), (?P<message>"(?:[^"\\]|\\.)*")\)', re.DOTALL)
Result = TypeVar("Result")


class Settings(Spec):
    """What may be set for an account of hdfs://. `root` is the folder at which keys start.

    The library has one bound on a call, from the connection to its answer: the longer one of the two.
    """

    root: str = "/"
    user: str | None = None
    config: Mapping[str, str] = {}
    config_dir: str | None = None
    part_size: Size = 8 * MIB
    timeout: Duration = 60.0
    connect_timeout: Duration = 10.0


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """A NameNode "host:port", or the name of a pair of them that HADOOP_CONF_DIR has."""
    made = checked(Settings, settings, f"stores.{account}")
    if not authority:
        raise InvalidSpec(f"{account}:/// has no NameNode: write {account}://HOST:PORT/KEY")
    actual = os.environ.get("HADOOP_USER_NAME") or getpass.getuser()
    if made.user not in (None, actual):
        raise InvalidSpec(
            f'stores.{account}.user: the client library logs in as "{actual}" here: '
            f"set HADOOP_USER_NAME={made.user} in the environment, or use webhdfs://"
        )
    uri = f"{account}://{authority}/"
    tree = HdfsTree(uri, authority, absolute(uri, made.root), made)
    return TreeStore(tree, declare(uri, **_LACKS), made.part_size)


class HdfsTree(Tree):
    """The calls of HDFS. A writer stays open from part to part: to close a file takes half a second."""

    def __init__(self, uri: str, authority: str, root: str, settings: Settings) -> None:
        self.uri = uri
        self._root = root
        self._timeout = max(settings.timeout, settings.connect_timeout)
        # its own tries would go on for minutes, and panic in some places
        config = {"dfs.client.failover.max.attempts": "0", **settings.config}
        self._client = self._call(lambda: hdfs_native.Client(f"hdfs://{authority}", config, settings.config_dir))
        self._writers: dict[str, RawFileWriter] = {}

    def stat(self, path: str) -> Entry:
        """By one call."""
        return _entry(self._again(lambda: self._client.get_file_info(self._path(path))))

    def scan(self, folder: str) -> Iterable[Entry]:
        """A thousand names a call."""
        path = self._path(folder)
        found = self._again(lambda: list(self._client.list_status(path)))
        if len(found) == 1 and found[0].path.rstrip("/") == path.rstrip("/"):  # a file is listed as itself
            raise NotFound(f"{folder} is no folder", provider=self.uri)
        return [_entry(status) for status in found]

    def head(self, key: str) -> ObjectInfo:
        """Its length and time."""
        entry = self.stat(key)
        if entry.kind != "file":
            raise NotFound(f"{key} is a folder", provider=self.uri)
        return entry.info(key)

    def open(self, path: str) -> Opened:
        """Its blocks are found out between two looks at it, until both see the same file."""
        info = self.head(path)
        while True:
            reader = self._call(lambda: self._client.read(self._path(path)))
            again = self.head(path)
            if again == info and len(reader) == info.size:
                return HdfsFile(self, info, reader)
            info = again

    def write(self, path: str, pieces: Pieces, size: int, about: ObjectInfo) -> None:
        """Folders above the file are made with it."""
        retried(lambda: self._write(path, pieces))
        arrived = self.length(path)
        if arrived != size:
            raise IntegrityError(f"{path}: {arrived} bytes arrived of {size}", provider=self.uri, code="Truncated")

    def _write(self, path: str, pieces: Iterable[Data] | Pieces) -> None:
        writer = self._new(path)
        for piece in pieces() if callable(pieces) else pieces:
            self._call(lambda piece=piece: writer.write(piece))  # type: ignore[misc]
        self._call(writer.close)

    def _new(self, path: str) -> RawFileWriter:
        options = hdfs_native.WriteOptions(overwrite=True, create_parent=True)
        return self._call(lambda: _raw(self._client.create(self._path(path), options)))

    def create(self, path: str) -> None:
        """An empty file, closed."""
        retried(lambda: self._write(path, ()))

    def append(self, path: str, data: Data, offset: int) -> None:
        """By the writer of the part before, or by a new one after what is there."""
        writer = self._writers.pop(path, None) or self._writer(path, offset)
        self._call(lambda: writer.write(data))
        self._call(writer.hsync)
        self._writers[path] = writer

    def _writer(self, path: str, offset: int) -> RawFileWriter:
        length = self.length(path)
        if length < offset:
            raise IntegrityError(f"{path} lost bytes: it has {length} of {offset}", provider=self.uri, code="Truncated")
        if length == offset:
            return self._call(lambda: _raw(self._client.append(self._path(path))))
        return self._cut(path, offset)

    def _cut(self, path: str, offset: int) -> RawFileWriter:
        """HDFS's own call for it is not in the library: what is to stay is written anew, and renamed over."""
        shorter = f"{path}.cut"
        writer = self._new(shorter)
        for start in range(0, offset, _PIECE):
            piece = self.content(path, start, min(start + _PIECE, offset))
            self._call(lambda piece=piece: writer.write(piece))  # type: ignore[misc]
        self._call(writer.hsync)
        self._call(lambda: self._client.rename(self._path(shorter), self._path(path), overwrite=True))
        return writer

    def length(self, path: str) -> int:
        """Of a closed file: one that somebody has left open is closed first, where it ends."""
        writer = self._writers.pop(path, None)
        if writer is not None:
            self._call(writer.close)
        end = time.monotonic() + self._timeout
        while not self._again(lambda: self._client.recover_lease(self._path(path))):
            if time.monotonic() > end:
                raise TransientError(f"{path} is still being written by somebody", provider=self.uri, code="Lease")
            time.sleep(0.1)
        return self.stat(path).size

    def content(self, path: str, start: int, stop: int) -> bytes:
        """By a reader of its own."""
        return self._again(lambda: self._client.read(self._path(path)).read_range(start, stop - start))

    def rename(self, path: str, key: str, replace: bool) -> None:
        """In one step on the NameNode."""
        self._call(lambda: self._client.rename(self._path(path), self._path(key), replace))

    def check(self, key: str) -> None:
        """No colon."""
        check_path(self.uri, key)

    def remove(self, path: str) -> None:
        """Of a folder, nothing is deleted."""
        writer = self._writers.pop(path, None)
        with suppress(NotFound):
            if self.stat(path).kind == "file":
                self._again(lambda: self._client.delete(self._path(path)))
        if writer is not None:
            with suppress(CloudError):  # the file that it wrote is gone
                self._call(writer.close)

    def _path(self, path: str) -> str:
        return f"{self._root}{path}".rstrip("/") or "/"

    def _again(self, call: Callable[[], Result]) -> Result:
        return retried(lambda: self._call(call))

    def _call(self, call: Callable[[], Result]) -> Result:
        try:
            return within(self._timeout, self.uri, call)
        except CloudError:
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raise _translated(self.uri, error) from None


class HdfsFile(Opened):
    """The blocks of a file as they were when it was opened."""

    def __init__(self, tree: HdfsTree, info: ObjectInfo, reader: hdfs_native.FileReader) -> None:
        self.info = info
        self._tree = tree
        self._reader = reader

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """A mebibyte a call."""
        for at in range(start, stop, _PIECE):
            length = min(_PIECE, stop - at)
            yield self._tree._call(lambda at=at, length=length: self._reader.read_range(at, length))  # type: ignore[misc]


def _raw(writer: hdfs_native.FileWriter) -> RawFileWriter:
    """What writes, without the file around it, which would close itself, over the network, in whatever thread collects it."""
    writer.close = lambda: None  # type: ignore[method-assign]
    return writer.inner


def _entry(status: hdfs_native.FileStatus) -> Entry:
    modified = datetime.fromtimestamp(status.modification_time / 1000, UTC)
    name = status.path.rstrip("/").rpartition("/")[2]
    if status.isdir:
        return Entry(name, "folder", modified=modified)
    return Entry(name, "file", status.length, f"{status.modification_time:x}-{status.length:x}", modified)


def _translated(uri: str, error: BaseException) -> CloudError:
    text = str(error).split("\n", 1)[0]
    if isinstance(error, FileNotFoundError):
        return NotFound(text, provider=uri)
    if isinstance(error, FileExistsError):
        return AlreadyExists(text, provider=uri)
    if isinstance(error, PermissionError):
        return PermissionDenied(text, provider=uri)
    if isinstance(error, OSError):
        return TransientError(text, provider=uri, code=type(error).__name__)
    remote = _RPC.match(str(error))
    if remote is not None:
        return translate(uri, ast.literal_eval(remote["class"]), _message(remote["message"]))
    code = str(error).partition("(")[0]
    kind = _LIBRARY_ERRORS.get(code, UnknownCloudError)
    return kind(text, provider=uri, code=code if code in _LIBRARY_ERRORS else type(error).__name__)


_LIBRARY_ERRORS: Final[Mapping[str, type[CloudError]]] = {
    "ChecksumError": IntegrityError,
    "BlocksNotFound": TransientError,
    "DataTransferError": TransientError,
}


def _message(literal: str) -> str:
    """The text of a string as Rust writes it down."""
    try:
        return str(ast.literal_eval(re.sub(r"\\u\{([0-9a-f]+)\}", lambda match: f"\\U{int(match[1], 16):08x}", literal)))
    except (SyntaxError, ValueError):
        return literal
