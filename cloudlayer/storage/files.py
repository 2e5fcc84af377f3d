"""One object by its URI: all that can be done with it, the same whatever store it is in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.storage.content import JSON, decoded, encoded, from_json, pieces, to_json
from cloudlayer.storage.moves import move_object
from cloudlayer.storage.objects import EMPTY, PLAIN, ObjectInfo, PutOptions
from cloudlayer.storage.store import Data, Method, Reader, Store
from cloudlayer.storage.transfers import copy_object, download_file, upload_file, upload_stream
from cloudlayer.storage.transfers.buffers import SMALL, Progress
from cloudlayer.storage.uri import shown

if TYPE_CHECKING:
    from cloudlayer.storage.client import Client

HOUR: Final = 3600.0


class File:
    """An object, whether it is there or not. `uri` is the one that was asked for; `key` is its name in `store`.

    Who puts may say: `if_absent`: AlreadyExists if there is one; `if_match`: Changed unless its etag is this one;
    `content_type`, `metadata` and `tags`, replaced as a whole by each put. Unsupported where the store cannot, with the reason.
    """

    __slots__ = ("_client", "key", "store", "uri")

    def __init__(self, client: Client, uri: str, store: Store, key: str) -> None:
        self._client = client
        self.uri = uri
        self.store = store
        self.key = key

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {shown(self.uri)}>"

    def get(self, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """The bytes, or those from `start` up to, not with, `end`; a negative `start` counts from the object's end.

        NotFound if it is not there, InvalidSpec for a range without a byte, IntegrityError if it is not what was put.
        """
        return self.store.get(self.key, start=start, end=end, if_match=if_match)

    def text(self, encoding: str = "utf-8") -> str:
        """The bytes as text; InvalidSpec if they are none in this encoding."""
        return decoded(self.uri, self.get(), encoding)

    def json(self) -> Any:
        """The value of its JSON; InvalidSpec if it is none."""
        return from_json(self.uri, self.get())

    def stream(self, start: int | None = None, end: int | None = None, if_match: str | None = None) -> Reader:
        """The bytes piece by piece, in flat memory; close it if it is not read to its end."""
        return self.store.open(self.key, start=start, end=end, if_match=if_match)

    def put(
        self,
        data: str | Data,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        content_type: str | None = None,
        metadata: Mapping[str, str] = EMPTY,
        tags: Mapping[str, str] = EMPTY,
    ) -> ObjectInfo:
        """Write the object: bytes, or text as UTF-8."""
        if type(data) is not bytes:
            data = encoded(self.uri, data)
        plain = not (if_absent or metadata or tags) and if_match is None and content_type is None
        options = PLAIN if plain else PutOptions(if_absent, if_match, content_type, metadata, tags)
        if len(data) <= SMALL:
            return self.store.put(self.key, data, options)
        return upload_stream(self.store, self.key, [data], options)

    def put_json(self, value: Any, *, content_type: str | None = None, **options: Any) -> ObjectInfo:
        """Write a value as JSON, with the content type of JSON where the store keeps one. `options` as for `put`."""
        if content_type is None and self.store.capabilities["content_type"]:
            content_type = JSON
        return self.put(to_json(self.uri, value), content_type=content_type, **options)

    def put_file(self, path: str | PathLike[str], *, progress: Progress | None = None, **options: Any) -> ObjectInfo:
        """Write what a file of this host has, of any size, in flat memory; broken off and called again, it goes on.

        `progress` is told how many bytes have arrived, each time that some have. `options` as for `put`.
        """
        return upload_file(self.store, self.key, _path(path), PutOptions(**options), progress=progress)

    def put_stream(self, source: Iterable[Data] | BinaryIO, *, progress: Progress | None = None, **options: Any) -> ObjectInfo:
        """Write what an iterable of bytes gives, or a binary file from where it stands; nothing if it raises."""
        return upload_stream(self.store, self.key, pieces(source), PutOptions(**options), progress=progress)

    def get_file(self, path: str | PathLike[str], *, progress: Progress | None = None) -> ObjectInfo:
        """Write the object into a file of this host, which is there when all of it has arrived, and not before."""
        return download_file(self.store, self.key, _path(path), progress=progress)

    def exists(self) -> bool:
        """Whether the object is there."""
        try:
            self.store.head(self.key)
        except NotFound:
            return False
        return True

    def stat(self) -> ObjectInfo:
        """Size, etag, time, and what else the store tells; NotFound if it is not there."""
        return self.store.head(self.key)

    def delete(self, if_match: str | None = None) -> None:
        """Delete it; one that is not there is no error, unless `if_match` names its etag."""
        self.store.delete(self.key, if_match=if_match)

    def copy(self, to: str | File, *, progress: Progress | None = None, **options: Any) -> ObjectInfo:
        """Copy it to another URI, of any store, with content type and metadata; within a store the store itself copies.

        `options` as for `put`; they are those of the copy.
        """
        target = self._other(to)
        return copy_object(self.store, self.key, target.store, target.key, PutOptions(**options), progress=progress)

    def move(self, to: str | File, *, progress: Progress | None = None, **options: Any) -> ObjectInfo:
        """As `copy`, and delete this one when the copy is there whole. Changed if it is written to meanwhile: both stay.

        Conflict if both are one object, reached in two ways.
        """
        target = self._other(to)
        return move_object(self.store, self.key, target.store, target.key, PutOptions(**options), progress=progress)

    def sign(self, method: Method = "GET", expires: float = HOUR) -> str:
        """A URL by which whoever has it may do `method` for `expires` seconds. The URL is a secret."""
        if not expires > 0:
            raise InvalidSpec(f"{shown(self.uri)}: a URL is signed for more than 0 seconds, not {expires}")
        return self.store.sign(self.key, method, expires)

    def tags(self) -> dict[str, str]:
        """Its tags; NotFound if it is not there."""
        return self.store.tags(self.key)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Replace its tags by these; NotFound if it is not there."""
        self.store.set_tags(self.key, tags)

    def _other(self, to: str | File) -> File:
        return to if isinstance(to, File) else self._client.file(to)


def _path(path: str | PathLike[str]) -> Path:
    return Path(path).expanduser()
