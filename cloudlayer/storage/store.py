"""What a store owes: the same verbs with the same meaning, whatever is behind them.

    uri ─▶ Location ─▶ Store ─▶ its own library          one file a store, in `stores/`
                         │
          File, Directory, transfers, fsspec, the CLI: written once, over these verbs alone

Keys are texts, taken literally: nothing in them is encoded, decoded or joined. All verbs may be called from many threads.
What may be tried again without harm is, with back-off, by the store; what may not (a put under a condition whose answer was
lost) ends in OutcomeUnknown unless the store can find out. Errors are those of `cloudlayer.errors`, with the store's URI as
`provider`; no credential is ever in one.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces.capabilities import Capabilities
from cloudlayer.storage.objects import PLAIN, ObjectInfo, Page, PutOptions, UploadInfo

Data: TypeAlias = bytes | bytearray | memoryview
Method: TypeAlias = Literal["GET", "PUT", "HEAD", "DELETE"]
Item = TypeVar("Item")


class Reader(Protocol):
    """An object, or a range of one, as it arrives; closed by whoever opened it."""

    info: ObjectInfo

    def __iter__(self) -> Iterator[bytes]:
        """Pieces in order, of no certain size. IntegrityError at the end of a whole read whose bytes are not those put."""
        ...

    def close(self) -> None:
        """Let go of the connection; a reader that was read to its end needs none."""
        ...


class Upload(ABC):
    """An object that arrives in parts, and is there when it is completed: whole, or not at all.

    Parts are numbered from 1 and have `part_size` bytes, the last one fewer. Where `parallel_parts` is not among the store's
    capabilities, `part` is called in their order.
    """

    id: str
    part_size: int

    @abstractmethod
    def have(self) -> Mapping[int, int]:
        """The crc32c of the parts that have arrived, of an earlier try too, by number; without those whose sum is not known."""

    @abstractmethod
    def part(self, number: int, data: Data) -> None:
        """Send one part, checked on arrival where the store can. May be called from many threads, once for each number."""

    @abstractmethod
    def complete(self, *, size: int, crc32c: int) -> ObjectInfo:
        """Make the object of parts 1 to the last. AlreadyExists and Changed as `put`; IntegrityError if the sums differ."""

    @abstractmethod
    def abort(self) -> None:
        """Throw the parts away; one that is completed or gone is no error."""


class Store(ABC):
    """One bucket, container, account or host, connected.

    `uri` is its own name up to where keys start ("s3://bucket/", "dropbox://"), without any secret.
    """

    uri: str
    capabilities: Capabilities

    @abstractmethod
    def get(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """The object's bytes from `start` up to, not with, `end`, counted from 0; a negative `start` counts from its end.

        NotFound if it is not there, Changed if its etag is not `if_match`, InvalidSpec for a range that starts at or after its
        end (of an empty object only the whole can be read). IntegrityError if the whole is not what was put.
        """

    @abstractmethod
    def open(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> Reader:
        """As `get`, piece by piece, in flat memory."""

    @abstractmethod
    def head(self, key: str) -> ObjectInfo:
        """All that is known of the object; NotFound if it is not there. A folder is no object."""

    def reads_ranges(self, key: str) -> bool:
        """Whether a range of the object comes without the bytes before it; where it does not, the whole is read at once."""
        return True

    @abstractmethod
    def put(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """Keep `data` under `key` in one request; for what fits well into memory. Folders above it need not be there."""

    @abstractmethod
    def upload(self, key: str, options: PutOptions = PLAIN, *, size: int | None = None, resume: str | None = None) -> Upload:
        """Begin to put an object in parts. `size` in bytes, None for a stream whose end is not known.

        `resume` is the id of an earlier upload of the same key: NotFound if the store has it no more.
        """

    @abstractmethod
    def uploads(self, prefix: str = "") -> Iterator[UploadInfo]:
        """Uploads that were begun and never ended, as far as the store can tell."""

    @abstractmethod
    def discard(self, upload: UploadInfo) -> None:
        """Throw away what such an upload has left; one that is gone is no error."""

    @abstractmethod
    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Delete the object. One that is not there is no error, unless `if_match` names it: then NotFound."""

    @abstractmethod
    def delete_many(self, keys: Sequence[str]) -> dict[str, Exception]:
        """Delete all of `keys`, in as few requests as the store allows; the errors of those that are still there, by key."""

    @abstractmethod
    def copy(self, key: str, target: str, options: PutOptions = PLAIN, *, if_match: str | None = None) -> ObjectInfo:
        """Copy within the store, metadata and content type with it; NotFound if `key` is not there. Onto itself: no change.

        `if_match` is of the source: Changed unless its etag is this one. What `options` has is of the target.
        """

    @abstractmethod
    def list(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> Iterator[Page]:
        """Every object whose key starts with the text `prefix` and comes after the key `after`, page by page.

        `shallow` stops at the next "/" and tells those folders in its place. A prefix that nothing has gives nothing.
        """

    @abstractmethod
    def sign(self, key: str, method: Method, expires: float) -> str:
        """A URL by which whoever has it may do `method` for `expires` seconds. The URL is a secret."""

    @abstractmethod
    def tags(self, key: str) -> dict[str, str]:
        """The object's tags; NotFound if it is not there."""

    @abstractmethod
    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Replace the object's tags by these; NotFound if it is not there."""

    def lacks(self, capability: str) -> Unsupported:
        """The error of a verb that needs what the store does not have."""
        return Unsupported(self.capabilities[capability].reason, provider=self.uri)

    def close(self) -> None:
        """Let go of connections. The store is of no use after that."""
        return

    async def get_async(
        self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None
    ) -> bytes:
        """As `get`."""
        return await asyncio.to_thread(self.get, key, start=start, end=end, if_match=if_match)

    async def open_async(
        self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None
    ) -> Reader:
        """As `open`; its pieces are read with `pieces`."""
        return await asyncio.to_thread(self.open, key, start=start, end=end, if_match=if_match)

    async def head_async(self, key: str) -> ObjectInfo:
        """As `head`."""
        return await asyncio.to_thread(self.head, key)

    async def put_async(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """As `put`."""
        return await asyncio.to_thread(self.put, key, data, options)

    async def delete_async(self, key: str, *, if_match: str | None = None) -> None:
        """As `delete`."""
        await asyncio.to_thread(self.delete, key, if_match=if_match)

    async def list_async(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> AsyncIterator[Page]:
        """As `list`."""
        async for page in in_threads(self.list(prefix, shallow=shallow, after=after)):
            yield page


async def in_threads(items: Iterator[Item]) -> AsyncIterator[Item]:
    """What a blocking iterator gives, each asked for in a thread."""
    end: Any = object()
    while (item := await asyncio.to_thread(next, items, end)) is not end:
        yield item
