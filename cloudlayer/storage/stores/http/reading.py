"""An object of the web, or a range of one, as it arrives; and once more from where its connection broke off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Final

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from cloudlayer.errors import Changed, CloudError, TransientError, UnknownCloudError, Unsupported
from cloudlayer.storage.objects import ObjectInfo
from cloudlayer.storage.ranges import check, resolve
from cloudlayer.storage.readers import CheckedReader
from cloudlayer.storage.stores.http.requests import Requests, let_go, time_of
from cloudlayer.storage.stores.retries import retried
from cloudlayer.units import MIB

_PIECE: Final = MIB
_IN_MEMORY: Final = 8 * MIB
_MOST_BREAKS: Final = 5
"""How often a stream may break without a byte in between."""
_CONTENT_RANGE: Final = re.compile(r"bytes (?:(?P<first>[0-9]+)-(?P<last>[0-9]+)|\*)/(?P<size>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted of which object."""

    requests: Requests
    key: str
    start: int | None = None
    end: int | None = None
    if_match: str | None = None

    @property
    def uri(self) -> str:
        """Of the object, for messages: without its query, which may be a signature."""
        return self.requests.uri + self.key.partition("?")[0]

    def answer(self, span: str | None) -> BaseHTTPResponse:
        """What the server answers; Changed unless it is the object that is wanted."""
        headers = {"Range": f"bytes={span}"} if span else {}
        if self.if_match is not None and not self.if_match.startswith("W/"):
            headers["If-Match"] = self.if_match
        answer = self.requests.ask("GET", self.key, headers)
        if self.if_match is not None and answer.status != 416 and answer.headers.get("ETag") != self.if_match:
            answer.close()
            told = answer.headers.get("ETag", "none")
            raise self.error(Changed, f"is another one by now: its etag is {told}, not {self.if_match}")
        return answer

    def error(self, kind: type[CloudError], what: str) -> CloudError:
        """An error of this object."""
        return self.requests.error(kind, self.key, what)


def opened(asked: Asked) -> CheckedReader:
    """The bytes that are wanted; what is known of the object with them."""
    check(asked.uri, asked.start, asked.end)
    if asked.start is not None and asked.start < 0 and asked.end is not None:
        info = known(asked)
        first, stop = resolve(asked.uri, info.size, asked.start, asked.end)
        asked = Asked(asked.requests, asked.key, first, stop, asked.if_match or info.etag)
    answer = asked.answer(_span(asked.start, asked.end))
    try:
        return _reader(asked, answer)
    except BaseException:
        answer.close()
        raise


def known(asked: Asked) -> ObjectInfo:
    """What the answer to a question for the first byte tells of the object."""
    answer = asked.answer("0-0")
    try:
        size = _size(answer)
        if size is not None:
            return told(asked.key, answer, size)
        reader = _reader(Asked(asked.requests, asked.key), answer)
        reader.close()
        return reader.info
    finally:
        answer.close()


def ranged(asked: Asked) -> bool:
    """Whether the server gives a range of the object alone."""
    answer = asked.answer("0-0")
    answer.close()
    return answer.status == 206


def told(key: str, answer: BaseHTTPResponse, size: int) -> ObjectInfo:
    """What the headers of an answer tell of an object."""
    headers = answer.headers
    return ObjectInfo(key, size, headers.get("ETag"), time_of(answer), headers.get("Content-Type"))


def _span(start: int | None, end: int | None) -> str | None:
    if start is not None and start < 0:
        return str(start)
    return None if start is None and end is None else f"{start or 0}-{'' if end is None else end - 1}"


def _size(answer: BaseHTTPResponse) -> int | None:
    """The size of the object; None where the headers do not tell it."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        return None
    if answer.status == 200:
        length = answer.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(match["size"]) if match else None


def _reader(asked: Asked, answer: BaseHTTPResponse) -> CheckedReader:
    size = _size(answer)
    if size is None:
        if answer.status != 200:
            raise asked.error(Unsupported, "the server answers to a range without telling the size: read the whole")
        return _spooled(asked, answer)
    first, stop = resolve(asked.uri, size, asked.start, asked.end)
    if answer.status == 416:
        raise asked.error(UnknownCloudError, f"the server refuses the bytes {first} to {stop} of {size}")
    body = _Body(asked, answer, first, stop)
    return CheckedReader(asked.uri, told(asked.key, answer, size), body, expected=stop - first, whole=False, close=body.close)


def _spooled(asked: Asked, answer: BaseHTTPResponse) -> CheckedReader:
    """What has no length that is told before it: kept, and counted, first. On the disk where it is much."""
    spool = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by the reader
    try:
        for piece in answer.stream(_PIECE, decode_content=True):
            spool.write(piece)
        size = spool.tell()
        first, stop = resolve(asked.uri, size, asked.start, asked.end)
    except HTTPError as error:
        spool.close()
        raise asked.requests.broken(asked.key, error) from None
    except BaseException:
        spool.close()
        raise
    spool.seek(first)
    pieces = (spool.read(min(_PIECE, stop - at)) for at in range(first, stop, _PIECE))
    info = told(asked.key, answer, size)
    return CheckedReader(asked.uri, info, pieces, expected=stop - first, whole=False, close=spool.close)


class _Body:
    """The bytes from `first` up to, not with, `stop`."""

    def __init__(self, asked: Asked, answer: BaseHTTPResponse, first: int, stop: int) -> None:
        self._asked = asked
        self._answer = answer
        self._etag = answer.headers.get("ETag")
        self._at = first
        self._stop = stop
        self._skip = first if answer.status == 200 else self._check_range(answer)

    def __iter__(self) -> Iterator[bytes]:
        breaks = 0
        while self._at < self._stop:
            before = self._at
            try:
                yield from self._pieces()
                error = self._asked.error(TransientError, f"the body ended at {self._at} of {self._stop} bytes")
            except HTTPError as broken:
                error = self._asked.requests.broken(self._asked.key, broken)
            if self._at < self._stop:
                breaks = breaks + 1 if self._at == before else 1
                self._go_on(error, breaks)
        self._finish()

    def close(self) -> None:
        """Let go of the connection, which has what nobody reads."""
        self._answer.close()

    def _finish(self) -> None:
        """Give the connection back, if nothing is left in it."""
        let_go(self._answer) if self._answer.status == 206 else self._answer.close()

    def _pieces(self) -> Iterator[bytes]:
        for piece in self._answer.stream(_PIECE, decode_content=False):
            wanted = piece[self._skip : self._skip + self._stop - self._at] if self._skip else piece[: self._stop - self._at]
            self._skip = max(self._skip - len(piece), 0)
            self._at += len(wanted)
            if wanted:
                yield wanted
            if self._at == self._stop:
                return

    def _go_on(self, error: CloudError, breaks: int) -> None:
        """Ask for the rest, of the same object only."""
        self._answer.close()
        if self._etag is None or self._etag.startswith("W/") or breaks > _MOST_BREAKS:
            raise error from None
        asked = Asked(self._asked.requests, self._asked.key, if_match=self._etag)
        self._answer = retried(lambda: asked.answer(f"{self._at}-{self._stop - 1}"))
        self._skip = self._at if self._answer.status == 200 else self._check_range(self._answer)

    def _check_range(self, answer: BaseHTTPResponse) -> int:
        """0, the bytes to skip of an answer that starts where it should; an error for another one."""
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if match is None or match["first"] is None or int(match["first"]) != self._at:
            raise self._asked.error(UnknownCloudError, "the server sends another range than was asked for")
        return 0
