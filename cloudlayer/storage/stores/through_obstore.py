"""Small objects by obstore, whose requests cost the least; all else, and every second try, by the cloud's own library.

    get, open, head, put, delete ─▶ obstore, one request ─▶ the answer, or a refusal that is certain
                                          │ anything else: a key that obstore would change, a 5xx, a broken connection
                                          ▼
                                    Requests: the cloud's library, tried again with back-off; exact codes, Retry-After

obstore takes keys for paths: it drops a slash at their ends, refuses empty and dotted segments, and lists by segments. Such
keys, and all lists, never reach it. Nor does it retry by itself here: of a write under a condition we know of every try.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from cloudlayer.errors import AlreadyExists, Changed, CloudError, NotFound
from cloudlayer.interfaces.capabilities import Capabilities
from cloudlayer.storage import ranges
from cloudlayer.storage.checksums import METADATA, crc32c, decode, encode, verify
from cloudlayer.storage.limits import LONGEST_KEY, check_key
from cloudlayer.storage.objects import EMPTY, PLAIN, ObjectInfo, PutOptions
from cloudlayer.storage.readers import CheckedReader
from cloudlayer.storage.store import Data, Reader, Store
from cloudlayer.storage.stores.through_obstore_attempts import Attempts
from cloudlayer.storage.stores.through_obstore_requests import (
    DEFAULT_TYPE,
    KEPT_BY_STORE,
    MARK,
    Found,
    Requests,
    Writing,
    found,
    writing,
)
from cloudlayer.units import MIB

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import AzureStore, S3Store

FAILURES: Final = (BaseError, OSError, ValueError)
_ODD: Final = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f\x7f-\x9f]")
_STATUS: Final = re.compile(r" - Server returned non-2xx status code: ([0-9]{3})")
_HEADERS: Final = frozenset(
    {"Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Cache-Control", "Storage-Class"}
)
_TO_OTHERS: Final = object()
"""In the place of options: this get is none for obstore."""
_AGAIN: Final = 4 * MIB
"""Bytes that are asked for at once where a stream broke off."""
_PIECE: Final = MIB // 4
"""Bytes of a stream at once. Larger ones are pages that the kernel has to clear each time, which costs more than all else."""


class ThroughObstore(Store):
    """The verbs of small objects. `fast` makes one request a call; `requests` all others.

    `HYPHEN` is what stands for a hyphen in the names of metadata, where the service takes none.
    """

    HYPHEN: ClassVar[str] = "-"

    def __init__(
        self, uri: str, capabilities: Capabilities, fast: S3Store | AzureStore, requests: Requests, attempts: Attempts
    ) -> None:
        self.uri = uri
        self.capabilities = capabilities
        self._fast: Any = fast
        self._requests = requests
        self._attempts = attempts
        self._sum = METADATA.replace("-", self.HYPHEN)

    def get(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """By one request; the sum of a whole is checked."""
        whole = start is None and end is None
        asked = None if whole and if_match is None else self._asked(key, start, end, if_match)
        if asked is not _TO_OTHERS and self._plain(key):
            try:
                result = obstore.get(self._fast, key, options=asked)
                data = result.bytes().to_bytes()
                if self._is_whole(key, result, data) if whole else self._is_range(key, result, data):
                    return data
                if self._is_as_kept(key, result.meta["e_tag"], data):
                    return data
            except FAILURES as error:
                self._told(key, error)
        return self._get_again(key, start, end, if_match)

    async def get_async(
        self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None
    ) -> bytes:
        """As `get`, without a thread."""
        whole = start is None and end is None
        asked = None if whole and if_match is None else self._asked(key, start, end, if_match)
        if asked is not _TO_OTHERS and self._plain(key):
            try:
                result = await obstore.get_async(self._fast, key, options=asked)
                data = (await result.bytes_async()).to_bytes()
                if self._is_whole(key, result, data) if whole else self._is_range(key, result, data):
                    return data
                if await asyncio.to_thread(self._is_as_kept, key, result.meta["e_tag"], data):
                    return data
            except FAILURES as error:
                self._told(key, error)
        return await asyncio.to_thread(self._get_again, key, start, end, if_match)

    def open(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> Reader:
        """One request as long as it lasts; what broke off goes on by further ones, of the same etag."""
        asked = self._asked(key, start, end, if_match)
        if asked is not _TO_OTHERS and self._plain(key):
            try:
                result = obstore.get(self._fast, key, options=asked)
                seen, (first, stop) = self._found(key, result).info, result.range
                summed = self._with_sum(seen, result.attributes) if stop - first == seen.size else seen
                if summed is not None:
                    return self._reader(summed, first, stop, map(bytes, result.stream(_PIECE)))
            except FAILURES as error:
                self._told(key, error)
        info = self.head(key)
        if if_match is not None and info.etag != if_match:
            raise self.changed(key)
        first, stop = ranges.resolve(self.uri + key, info.size, start, end)
        return self._reader(info, first, stop, iter(()))

    def head(self, key: str) -> ObjectInfo:
        """By one request."""
        if self._plain(key):
            try:
                result = obstore.get(self._fast, key, options={"head": True})
                if result.attributes.get(self._sum) != KEPT_BY_STORE:
                    return self._found(key, result).info
            except FAILURES as error:
                self._told(key, error)
        return self._attempts(lambda: self._requests.head(key)).info

    async def head_async(self, key: str) -> ObjectInfo:
        """As `head`, without a thread."""
        if self._plain(key):
            try:
                result = await obstore.get_async(self._fast, key, options={"head": True})
            except FAILURES as error:
                self._told(key, error)
            else:
                if result.attributes.get(self._sum) != KEPT_BY_STORE:
                    return self._found(key, result).info
        return (await asyncio.to_thread(self._attempts, lambda: self._requests.head(key))).info

    def put(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """By one request, with the sum."""
        if options is PLAIN and type(data) is bytes and self._plain(key):
            total = crc32c(data)
            try:
                put = obstore.put(self._fast, key, data, attributes=self._attributes(total), use_multipart=False)
                return ObjectInfo(key, len(data), put["e_tag"], None, DEFAULT_TYPE, EMPTY, total)
            except FAILURES:
                pass
            return self._put_again(key, writing(self.uri, self.capabilities, key, data, options), False)
        sending, lost = writing(self.uri, self.capabilities, key, data, options), False
        if self._plain(key):
            try:
                return sending.answered(obstore.put(self._fast, key, sending.data, **self._sent(sending))["e_tag"])
            except FAILURES as error:
                lost = self._refused(key, sending, error)
        return self._put_again(key, sending, lost)

    async def put_async(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """As `put`, without a thread."""
        if options is PLAIN and type(data) is bytes and self._plain(key):
            total = crc32c(data)
            try:
                put = await obstore.put_async(self._fast, key, data, attributes=self._attributes(total), use_multipart=False)
                return ObjectInfo(key, len(data), put["e_tag"], None, DEFAULT_TYPE, EMPTY, total)
            except FAILURES:
                pass
            sending = writing(self.uri, self.capabilities, key, data, options)
            return await asyncio.to_thread(self._put_again, key, sending, False)
        sending, lost = writing(self.uri, self.capabilities, key, data, options), False
        if self._plain(key):
            try:
                put = await obstore.put_async(self._fast, key, sending.data, **self._sent(sending))
                return sending.answered(put["e_tag"])
            except FAILURES as error:
                lost = self._refused(key, sending, error)
        return await asyncio.to_thread(self._put_again, key, sending, lost)

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """By one request; by the cloud's own library if it has a condition."""
        if if_match is not None:
            self.capabilities.require("compare_and_swap")
        elif self._plain(key):
            try:
                return obstore.delete(self._fast, key)
            except FileNotFoundError:
                return None
            except FAILURES:
                pass
        return self._delete_again(key, if_match)

    def _delete_each(self, keys: Sequence[str]) -> dict[str, Exception]:
        failed: dict[str, Exception] = {}
        for key in keys:
            try:
                self.delete(key)
            except CloudError as error:
                failed[key] = error
        return failed

    async def delete_async(self, key: str, *, if_match: str | None = None) -> None:
        """As `delete`, without a thread."""
        if if_match is None and self._plain(key):
            try:
                return await obstore.delete_async(self._fast, key)
            except FileNotFoundError:
                return None
            except FAILURES:
                pass
        return await asyncio.to_thread(self.delete, key, if_match=if_match)

    def _plain(self, key: str) -> bool:
        """Whether obstore takes this key as it is."""
        # Most keys are told apart by searches for plain texts: 0.4 of the time that the expression takes.
        sure = key.isascii() and key.isprintable() and "//" not in key and "/." not in key and len(key) <= LONGEST_KEY
        if sure and key and key[0] not in "./" and key[-1] != "/":
            return True
        check_key(self.uri, key)
        return _ODD.search(key) is None

    def _asked(self, key: str, start: int | None, end: int | None, if_match: str | None) -> Any:
        """obstore's options of a get; _TO_OTHERS for one that it cannot make."""
        asked: dict[str, Any] = {} if if_match is None else {"if_match": if_match}
        if start is not None or end is not None:
            ranges.check(self.uri + key, start, end)
            if start is not None and start < 0:
                return _TO_OTHERS
            asked["range"] = {"offset": start} if end is None else (start or 0, end)
        return asked

    def _is_range(self, key: str, result: GetResult, data: bytes) -> bool:
        """Check the length of a part that one request gave; its sum is not known."""
        first, stop = result.range
        verify(self.uri + key, size=len(data), expected_size=stop - first, crc32c=None, expected=None)
        return True

    def _is_whole(self, key: str, result: GetResult, data: bytes) -> bool:
        """Check what one request gave; False if the store keeps the sum. That a body broke off, the transport tells."""
        text = result.attributes.get(self._sum)
        if text is None or text == encode(summed := crc32c(data)):
            return True
        if text != KEPT_BY_STORE:
            verify(self.uri + key, size=len(data), expected_size=len(data), crc32c=summed, expected=decode(text))
        return text != KEPT_BY_STORE

    def _is_as_kept(self, key: str, etag: str | None, data: bytes) -> bool:
        """Compare a whole with the sum that the store keeps, by one request; False if it is another object's by now."""
        kept = self._attempts(lambda: self._requests.head(key)).info
        if kept.etag != etag:
            return False
        verify(self.uri + key, size=len(data), expected_size=kept.size, crc32c=crc32c(data), expected=kept.crc32c)
        return True

    def _with_sum(self, info: ObjectInfo, attributes: Mapping[str, str]) -> ObjectInfo | None:
        """With the sum of the whole, where it takes another request; None if that one tells of another object by now."""
        if attributes.get(self._sum) != KEPT_BY_STORE:
            return info
        kept = self._attempts(lambda: self._requests.head(info.key)).info
        return replace(info, crc32c=kept.crc32c) if kept.etag == info.etag else None

    def _reader(self, info: ObjectInfo, first: int, stop: int, pieces: Iterator[bytes]) -> Reader:
        whole = stop - first == info.size
        return CheckedReader(
            self.uri + info.key, info, self._pieces(info, first, stop, pieces), expected=stop - first, whole=whole
        )

    def _pieces(self, info: ObjectInfo, at: int, stop: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for piece in pieces:
                at += len(piece)
                yield piece
        except FAILURES:
            pass  # the rest is asked for anew
        while at < stop:
            piece = self.get(info.key, start=at, end=min(at + _AGAIN, stop), if_match=info.etag)
            at += len(piece)
            yield piece

    def _get_again(self, key: str, start: int | None, end: int | None, if_match: str | None) -> bytes:
        if start is not None and start < 0:
            info = self.head(key)
            start, end = ranges.resolve(self.uri + key, info.size, start, end)
            return self.get(key, start=start, end=end, if_match=if_match or info.etag)
        info, data = self._attempts(lambda: self._requests.get(key, start, end, if_match))
        first, stop = ranges.resolve(self.uri + key, info.size, start, end)
        summed = crc32c(data) if stop - first == info.size and info.crc32c is not None else None
        verify(self.uri + key, size=len(data), expected_size=stop - first, crc32c=summed, expected=info.crc32c)
        return data

    def _put_again(self, key: str, writing: Writing, lost: bool) -> ObjectInfo:
        def put() -> ObjectInfo:
            return writing.answered(self._requests.put(writing))

        def ours() -> ObjectInfo | None:
            found = self._requests.head(key)
            return found.info if found.mark == writing.kept[MARK] else None

        if not writing.conditional:
            return self._attempts(put)
        return self._attempts.write(self.uri, put, ours, lost=lost)

    def _delete_again(self, key: str, if_match: str | None) -> None:
        check_key(self.uri, key)
        if if_match is None:
            return self._attempts(lambda: self._requests.delete(key, None))
        return self._attempts.write(self.uri, lambda: self._requests.delete(key, if_match), lambda: None)

    def _told(self, key: str, error: Exception) -> None:
        """Raise what is certain of a read's error; what returns is to be tried again."""
        if isinstance(error, FileNotFoundError):
            raise self._missing(key) from None
        if isinstance(error, PreconditionError):
            raise self.changed(key) from None

    def _refused(self, key: str, writing: Writing, error: Exception) -> bool:
        """Raise what is certain of a put's error; else whether the put may have been done all the same."""
        found = _STATUS.search(str(error))
        status = int(found[1]) if found else 0
        if isinstance(error, AlreadyExistsError) and status != 409:  # that of a write which is under way beside ours
            raise AlreadyExists(f'"{key}" is there already', provider=self.uri, code=str(status or "")) from None
        if isinstance(error, PreconditionError) and writing.options.if_match is not None:
            raise self.changed(key) from None
        return not (400 <= status < 500 or status == 503) or status == 408

    def _missing(self, key: str) -> CloudError:
        return NotFound(f'"{key}" is not there', provider=self.uri)

    def changed(self, key: str) -> CloudError:
        """The error of an etag that is another one."""
        return Changed(f'"{key}" has another etag', provider=self.uri)

    def _found(self, key: str, result: GetResult) -> Found:
        """What the headers of an answer tell."""
        meta, attributes = result.meta, result.attributes
        kept = {name.replace(self.HYPHEN, "-"): value for name, value in attributes.items() if name not in _HEADERS}
        return found(
            key,
            kept,
            size=meta["size"],
            etag=meta["e_tag"],
            modified=meta["last_modified"],
            content_type=attributes.get("Content-Type"),
        )

    def _attributes(self, total: int) -> Any:
        """What most puts tell of an object, as obstore takes it."""
        return {"Content-Type": DEFAULT_TYPE, self._sum: encode(total)}

    def _sent(self, writing: Writing) -> dict[str, Any]:
        """The options of obstore's put."""
        kept = writing.kept
        if self.HYPHEN != "-":
            kept = {name.replace("-", self.HYPHEN): value for name, value in kept.items()}
        sent: dict[str, Any] = {"attributes": {"Content-Type": writing.content_type, **kept}, "use_multipart": False}
        if writing.conditional:
            sent["mode"] = writing.mode
        if writing.options.tags:
            sent["tags"] = dict(writing.options.tags)
        return sent
