"""sftp://HOST/KEY or sftp://USER@HOST:PORT/KEY: files of a host that has an SSH server.

The host's key is always compared with known_hosts. ~/.ssh/config, the agent and the usual key files are used as `ssh` does.
SFTP tells times in whole seconds, so a file that replaces one of the same second is dated a second after it: its etag differs.
"""

from __future__ import annotations

import stat as modes
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncssh
from pydantic import SecretStr

from cloudlayer.errors import (
    AlreadyExists,
    CloudError,
    Conflict,
    IntegrityError,
    InvalidSpec,
    NotFound,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.specs import Duration, Size, Spec, checked
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.objects import ObjectInfo
from cloudlayer.storage.store import Data, Store
from cloudlayer.storage.stores.retries import retried
from cloudlayer.storage.stores.roots import absolute
from cloudlayer.storage.stores.sftp_connection import Connection
from cloudlayer.storage.stores.trees import Entry, Opened, Pieces, Tree, TreeStore
from cloudlayer.units import MIB

_LACKS: Final = {
    "compare_and_swap": "SFTP has no rename under a condition on the file that it replaces",
    "checked_put": "SFTP takes no checksum; SSH itself finds what is damaged on the way",
    "checked_get": "SFTP keeps no checksum with a file; SSH itself finds what is damaged on the way",
    "metadata": "files of SFTP have no metadata",
    "content_type": "files of SFTP have no content type",
    "tags": "files of SFTP have no tags",
    "server_copy": "few SSH servers copy by themselves: the bytes go through this process",
    "sign": "SFTP has no URLs",
    "parallel_parts": "the parts of a file are appended in their order",
    "any_key": "keys are paths: no part between slashes is empty, `.` or `..`",
    "key_is_no_folder": "folders of SFTP are real",
    "no_empty_folders": "folders of SFTP stay when they are empty",
}
_PIECE: Final = 1 * MIB


class Settings(Spec):
    """What may be set for an account of sftp://. `root` is the folder at which keys start.

    `host_key_alias` is the name that known_hosts has for a host that is reached under another one.
    """

    root: str = "/"
    user: str | None = None
    password: SecretStr | None = None
    key_file: Path | None = None
    passphrase: SecretStr | None = None
    known_hosts: Path | None = None
    host_key_alias: str | None = None
    part_size: Size = 8 * MIB
    timeout: Duration = 60.0
    connect_timeout: Duration = 10.0


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """A host, with a user before it and a port after it if need be."""
    made = checked(Settings, _with_paths(settings), f"stores.{account}")
    user, _, place = authority.rpartition("@")
    host, _, port = place.partition(":")
    if not host or (port and not port.isdigit()):
        raise InvalidSpec(f"{account}://{authority}/ has no host: write {account}://HOST/KEY or {account}://USER@HOST:PORT/KEY")
    uri = f"{account}://{authority}/"
    options = _options(made, host, int(port) if port else None, user or made.user)
    connection = Connection(uri, options, made.timeout)
    return TreeStore(SftpTree(uri, absolute(uri, made.root), connection), declare(uri, **_LACKS), made.part_size)


def _with_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    names = ("key_file", "known_hosts")
    return {n: Path(v).expanduser() if n in names and isinstance(v, str) else v for n, v in settings.items()}


def _options(made: Settings, host: str, port: int | None, user: str | None) -> dict[str, Any]:
    """What asyncssh is told; what it is not told it takes from ~/.ssh/config."""
    given: dict[str, Any] = {
        "username": user,
        "password": made.password.get_secret_value() if made.password else None,
        "client_keys": [str(made.key_file)] if made.key_file else None,
        "passphrase": made.passphrase.get_secret_value() if made.passphrase else None,
        "known_hosts": str(made.known_hosts) if made.known_hosts else None,
        "host_key_alias": made.host_key_alias,
    }
    fixed = {"host": host, "port": port or (), "connect_timeout": made.connect_timeout, "keepalive_interval": 15}
    return {**fixed, **{name: value for name, value in given.items() if value is not None}}


class SftpTree(Tree):
    """The calls of SFTP."""

    def __init__(self, uri: str, root: str, connection: Connection) -> None:
        self.uri = uri
        self._root = root
        self._connection = connection

    def stat(self, path: str) -> Entry:
        """By one call; a link is what it leads to."""
        place = self._path(path)
        try:
            attributes = retried(lambda: self._connection.run(lambda client: client.stat(place)))
        except NotFound as error:
            raise NotFound(f"{path} is not there", provider=self.uri, code=error.code) from None
        except UnknownCloudError:
            if path:  # "Failure" is all that it says of a path below a file
                self._above_is_folder(path)
            raise
        return _entry(path.rpartition("/")[2], attributes)

    def _above_is_folder(self, path: str) -> None:
        if self.stat(path.rpartition("/")[0]).kind != "folder":
            raise NotFound(f"{path} is not there", provider=self.uri)

    def head(self, key: str) -> ObjectInfo:
        """Its size and time."""
        entry = self.stat(key)
        if entry.kind != "file":
            raise NotFound(f"{key} is no file", provider=self.uri)
        return entry.info(key)

    def scan(self, folder: str) -> Iterable[Entry]:
        """All names with their attributes; where a name is a link, what it leads to is looked at."""
        if self.stat(folder.rstrip("/")).kind != "folder":
            raise NotFound(f"{folder} is no folder", provider=self.uri)
        place = self._path(folder).encode()  # names come as they are asked for: as bytes, of which some are no text
        for entry in retried(lambda: self._connection.run(lambda client: client.readdir(place))):
            if isinstance(entry.filename, bytes) and entry.filename not in {b".", b".."}:
                yield self._scanned(folder, entry.filename, entry.attrs)

    def _scanned(self, folder: str, raw: bytes, attributes: asyncssh.SFTPAttrs) -> Entry:
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            return Entry(raw.decode("utf-8", "replace"), "other", reason="has a name that is no UTF-8")
        if not modes.S_ISLNK(attributes.permissions or 0):
            return _entry(name, attributes)
        with suppress(CloudError):
            found = self.stat(folder + name)
            if found.kind == "file":
                return found
            return Entry(name, "other", reason="is a symbolic link to a folder")
        return Entry(name, "other", reason="is a symbolic link to nothing")

    def open(self, path: str) -> Opened:
        """Its size and time are those of the file that was opened, whatever is renamed over it by now."""

        async def opened(client: asyncssh.SFTPClient) -> tuple[asyncssh.SFTPClientFile, asyncssh.SFTPAttrs]:
            file = await client.open(self._path(path), "rb")
            return file, await file.stat()

        self.head(path)
        file, attributes = self._connection.run(opened)
        return SftpFile(self._connection, _entry("", attributes).info(path), file)

    def write(self, path: str, pieces: Pieces, size: int, about: ObjectInfo) -> None:
        """Folders above the file are made if they turn out to be missing."""
        retried(lambda: self._in_folder(path, lambda: self._write(path, pieces)))
        arrived = self.length(path)
        if arrived != size:
            raise IntegrityError(f"{path}: {arrived} bytes arrived of {size}", provider=self.uri, code="Truncated")

    def _in_folder(self, path: str, call: Any) -> None:
        try:
            call()
        except (NotFound, UnknownCloudError):
            self._make_folders(path.rpartition("/")[0])
            call()

    def _make_folders(self, folder: str) -> None:
        try:
            self._connection.run(lambda client: client.makedirs(self._path(folder), exist_ok=True))
        except (UnknownCloudError, AlreadyExists, NotFound, Conflict):
            raise Conflict(f"{folder} is no folder, or something above it is none", provider=self.uri) from None

    def _write(self, path: str, pieces: Pieces) -> None:
        file = self._connection.run(lambda client: client.open(self._path(path), "wb"))
        self._fill(file, pieces(), 0)

    def _fill(self, file: asyncssh.SFTPClientFile, pieces: Iterable[Data], offset: int) -> None:
        try:
            for piece in pieces:
                view = memoryview(piece).cast("B")
                for start in range(0, len(view), _PIECE):
                    part = bytes(view[start : start + _PIECE])
                    self._connection.run(lambda _, part=part, at=offset: file.write(part, at))  # type: ignore[misc]
                    offset += len(part)
            with suppress(CloudError):  # not every server can
                self._connection.run(lambda _: file.fsync())
        finally:
            with suppress(CloudError):
                self._connection.run(lambda _: file.close())

    def create(self, path: str) -> None:
        """An empty file."""
        self.write(path, lambda: (), 0, ObjectInfo(path, 0))

    def append(self, path: str, data: Data, offset: int) -> None:
        """At its offset, so that a second try writes the same bytes to the same place."""
        retried(lambda: self._append(path, data, offset))

    def _append(self, path: str, data: Data, offset: int) -> None:
        if self.length(path) > offset:
            self._connection.run(lambda client: client.truncate(self._path(path), offset))
        file = self._connection.run(lambda client: client.open(self._path(path), "r+b"))
        self._fill(file, (data,), offset)

    def length(self, path: str) -> int:
        """Its size."""
        return self.head(path).size

    def content(self, path: str, start: int, stop: int) -> bytes:
        """By opening it."""

        def read() -> bytes:
            opened = self.open(path)
            try:
                return b"".join(opened.pieces(start, stop))
            finally:
                opened.close()

        return retried(read)

    def put_in_place(self, path: str, key: str, options: Any) -> ObjectInfo:
        """Date it after the file that it replaces, and rename."""
        with suppress(NotFound):
            old, new = self.head(key), self.head(path)
            if old.modified is not None and new.modified is not None and new.modified <= old.modified:
                later = old.modified.timestamp() + 1
                retried(lambda: self._connection.run(lambda client: client.utime(self._path(path), (later, later))))
        return super().put_in_place(path, key, options)

    def rename(self, path: str, key: str, replace: bool) -> None:
        """OpenSSH's own rename replaces; that of the protocol's first version refuses what is there."""
        source, target = self._path(path), self._path(key)
        try:
            if replace:
                self._connection.run(lambda client: client.posix_rename(source, target))
            else:
                self._connection.run(lambda client: client.rename(source, target))
        except UnknownCloudError:
            if not replace:
                with suppress(NotFound):
                    self.stat(key)
                    raise AlreadyExists(f"{key} is there already", provider=self.uri) from None
            raise

    def remove(self, path: str) -> None:
        """Of a folder, nothing is deleted."""
        with suppress(NotFound):
            if self.stat(path).kind == "file":
                retried(lambda: self._connection.run(lambda client: client.remove(self._path(path))))

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _path(self, path: str) -> str:
        return f"{self._root}{path}".rstrip("/") or "/"


class SftpFile(Opened):
    """An open file of the server."""

    def __init__(self, connection: Connection, info: ObjectInfo, file: asyncssh.SFTPClientFile) -> None:
        self.info = info
        self._connection = connection
        self._file: asyncssh.SFTPClientFile | None = file

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """A mebibyte each, of which asyncssh asks for many blocks at once."""
        file = self._file
        if file is None:
            raise TransientError("the file is closed", provider=self.info.key)
        for at in range(start, stop, _PIECE):
            length = min(_PIECE, stop - at)
            yield self._connection.run(lambda _, at=at, length=length: file.read(length, at))  # type: ignore[misc]

    def close(self) -> None:
        """Close it on the server, if that is still there."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(CloudError):
                self._connection.run(lambda _: file.close())


def _entry(name: str, attributes: asyncssh.SFTPAttrs) -> Entry:
    mode, size, seconds = attributes.permissions or 0, attributes.size or 0, attributes.mtime or 0
    modified = datetime.fromtimestamp(seconds, UTC)
    if modes.S_ISDIR(mode):
        return Entry(name, "folder", modified=modified)
    if not modes.S_ISREG(mode):
        return Entry(name, "other", reason="is neither a file nor a folder")
    return Entry(name, "file", size, f"{seconds:x}-{size:x}", modified)
