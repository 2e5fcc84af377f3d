"""The client for asyncio: the same names as of `Client`, `File` and `Directory`, awaited.

What a store's library does without blocking is awaited as it is; the rest is done in threads. A store is connected in a thread
too, when the first verb of one of its objects is awaited: what is wrong with its settings is told by that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from functools import partial
from os import PathLike
from typing import Any, BinaryIO, Self

from cloudlayer.errors import NotFound
from cloudlayer.storage.awaited import Feed, in_own_thread
from cloudlayer.storage.client import Client, as_folder
from cloudlayer.storage.content import JSON, decoded, encoded, from_json, to_json
from cloudlayer.storage.directories import Directory, Entry, Selection
from cloudlayer.storage.files import HOUR, File
from cloudlayer.storage.objects import EMPTY, PLAIN, ObjectInfo, PutOptions
from cloudlayer.storage.store import Data, Method, Reader, Store, in_threads
from cloudlayer.storage.transfers.buffers import SMALL, Progress
from cloudlayer.storage.uri import Location, shown


class AsyncClient:
    """As `Client`."""

    def __init__(self, stores: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._client = Client(stores)

    def file(self, uri: str) -> AsyncFile:
        """As `Client.file`; nothing is connected yet."""
        store, key = self._client.known(uri)
        return AsyncFile(self._client, uri, store, key)

    def dir(self, uri: str) -> AsyncDirectory:
        """As `Client.dir`; nothing is connected yet."""
        store, key = self._client.known(uri)
        uri, key = as_folder(uri, key)
        return AsyncDirectory(self._client, uri, store, key)

    async def resolve(self, uri: str) -> tuple[Store, str]:
        """As `Client.resolve`."""
        return await asyncio.to_thread(self._client.resolve, uri)

    def known(self, uri: str) -> tuple[Store | None, str]:
        """As `Client.known`."""
        return self._client.known(uri)

    def locate(self, uri: str) -> Location:
        """As `Client.locate`."""
        return self._client.locate(uri)

    async def close(self) -> None:
        """As `Client.close`."""
        await asyncio.to_thread(self._client.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AsyncReader:
    """An object as it arrives: `async for piece in reader`. Leaving an `async with` closes it."""

    __slots__ = ("_reader", "info")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.info: ObjectInfo = reader.info

    def __aiter__(self) -> AsyncIterator[bytes]:
        return in_threads(iter(self._reader))

    async def close(self) -> None:
        """As `Reader.close`."""
        await asyncio.to_thread(self._reader.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Named:
    """What a URI names in a store that may still have to be connected."""

    __slots__ = ("_client", "_store", "key", "uri")

    def __init__(self, client: Client, uri: str, store: Store | None, key: str) -> None:
        self._client = client
        self._store = store
        self.uri = uri
        self.key = key

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {shown(self.uri)}>"

    @property
    def store(self) -> Store:
        """Its store. If no verb has been awaited yet, it is connected now, and this blocks meanwhile."""
        if self._store is None:
            self._store, _ = self._client.resolve(self.uri)
        return self._store

    async def _connected(self) -> Store:
        return await asyncio.to_thread(lambda: self.store)


class AsyncFile(_Named):
    """As `File`."""

    __slots__ = ()

    async def get(self, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """As `File.get`."""
        return await (self._store or await self._connected()).get_async(self.key, start=start, end=end, if_match=if_match)

    async def text(self, encoding: str = "utf-8") -> str:
        """As `File.text`."""
        return decoded(self.uri, await self.get(), encoding)

    async def json(self) -> Any:
        """As `File.json`."""
        return from_json(self.uri, await self.get())

    async def stream(self, start: int | None = None, end: int | None = None, if_match: str | None = None) -> AsyncReader:
        """As `File.stream`."""
        return AsyncReader(
            await (self._store or await self._connected()).open_async(self.key, start=start, end=end, if_match=if_match)
        )

    async def put(
        self,
        data: str | Data,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        content_type: str | None = None,
        metadata: Mapping[str, str] = EMPTY,
        tags: Mapping[str, str] = EMPTY,
    ) -> ObjectInfo:
        """As `File.put`."""
        if type(data) is not bytes:
            data = encoded(self.uri, data)
        if len(data) > SMALL:
            options: dict[str, Any] = {"content_type": content_type, "metadata": metadata, "tags": tags}
            return await asyncio.to_thread((await self._file()).put, data, if_absent=if_absent, if_match=if_match, **options)
        plain = not (if_absent or metadata or tags) and if_match is None and content_type is None
        made = PLAIN if plain else PutOptions(if_absent, if_match, content_type, metadata, tags)
        return await (self._store or await self._connected()).put_async(self.key, data, made)

    async def put_json(self, value: Any, *, content_type: str | None = None, **options: Any) -> ObjectInfo:
        """As `File.put_json`."""
        if content_type is None and (self._store or await self._connected()).capabilities["content_type"]:
            content_type = JSON
        return await self.put(to_json(self.uri, value), content_type=content_type, **options)

    async def put_file(self, path: str | PathLike[str], *, progress: Progress | None = None, **options: Any) -> ObjectInfo:
        """As `File.put_file`."""
        return await asyncio.to_thread((await self._file()).put_file, path, progress=progress, **options)

    async def put_stream(
        self,
        source: AsyncIterable[Data] | Iterable[Data] | BinaryIO,
        *,
        progress: Progress | None = None,
        **options: Any,
    ) -> ObjectInfo:
        """As `File.put_stream`; `source` may be asynchronous too. Nothing is put if this is cancelled before it has ended."""
        file, feed = await self._file(), Feed(source)
        return await in_own_thread(partial(file.put_stream, feed, progress=progress, **options), feed.call_off)

    async def get_file(self, path: str | PathLike[str], *, progress: Progress | None = None) -> ObjectInfo:
        """As `File.get_file`."""
        return await asyncio.to_thread((await self._file()).get_file, path, progress=progress)

    async def exists(self) -> bool:
        """As `File.exists`."""
        try:
            await self.stat()
        except NotFound:
            return False
        return True

    async def stat(self) -> ObjectInfo:
        """As `File.stat`."""
        return await (self._store or await self._connected()).head_async(self.key)

    async def delete(self, if_match: str | None = None) -> None:
        """As `File.delete`."""
        await (self._store or await self._connected()).delete_async(self.key, if_match=if_match)

    async def copy(self, to: str | File | AsyncFile, *, progress: Progress | None = None, **options: Any) -> ObjectInfo:
        """As `File.copy`."""
        return await asyncio.to_thread((await self._file()).copy, await _blocking(to), progress=progress, **options)

    async def move(self, to: str | File | AsyncFile, *, progress: Progress | None = None, **options: Any) -> ObjectInfo:
        """As `File.move`."""
        return await asyncio.to_thread((await self._file()).move, await _blocking(to), progress=progress, **options)

    async def sign(self, method: Method = "GET", expires: float = HOUR) -> str:
        """As `File.sign`."""
        return await asyncio.to_thread((await self._file()).sign, method, expires)

    async def tags(self) -> dict[str, str]:
        """As `File.tags`."""
        return await asyncio.to_thread((await self._file()).tags)

    async def set_tags(self, tags: Mapping[str, str]) -> None:
        """As `File.set_tags`."""
        await asyncio.to_thread((await self._file()).set_tags, tags)

    async def _file(self) -> File:
        return File(self._client, self.uri, self._store or await self._connected(), self.key)


class AsyncDirectory(_Named):
    """As `Directory`."""

    __slots__ = ()

    async def list(self, *, glob: str | None = None, shallow: bool = False) -> AsyncIterator[Entry]:
        """As `Directory.list`."""
        selection = Selection.of(self.key, glob, shallow)
        store = self._store or await self._connected()
        async for page in store.list_async(selection.prefix, shallow=selection.shallow):
            for entry in selection.entries(page, self.uri, self.key, folders=shallow):
                yield entry

    def file(self, name: str) -> AsyncFile:
        """As `Directory.file`."""
        return AsyncFile(self._client, self.uri + name, self._store, self.key + name)

    def dir(self, name: str) -> AsyncDirectory:
        """As `Directory.dir`."""
        name = name if not name or name.endswith("/") else f"{name}/"
        return AsyncDirectory(self._client, self.uri + name, self._store, self.key + name)

    async def exists(self) -> bool:
        """As `Directory.exists`."""
        return await asyncio.to_thread((await self._directory()).exists)

    async def delete(self) -> int:
        """As `Directory.delete`."""
        return await asyncio.to_thread((await self._directory()).delete)

    async def _directory(self) -> Directory:
        return Directory(self._client, self.uri, self._store or await self._connected(), self.key)


async def _blocking(to: str | File | AsyncFile) -> str | File:
    return await to._file() if isinstance(to, AsyncFile) else to
