"""What a bucket keeps: objects, uploads that are open, and the keys in order."""

from __future__ import annotations

import itertools
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Final

from benchmarks.objects_server.messages import Buffer, S3Error

KEPT: Final = ("cache-control", "content-disposition", "content-language", "expires")
"""Headers, besides the content's type and encoding, that are kept with an object and given back."""
_numbers = itertools.count(1)


@dataclass(slots=True)
class Object:
    """An object: its bytes in the pieces that they came in, and what is told of it."""

    parts: list[Buffer]
    size: int
    etag: str
    modified: int
    headers: str
    checksum: str = ""
    """The line of the response's header that tells it, if one was sent with the body."""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Part:
    """A part of an upload."""

    data: list[Buffer]
    size: int
    etag: str
    modified: int
    checksum: tuple[str, str] | None


@dataclass(slots=True)
class Upload:
    """An upload that is open."""

    key: str
    begun: int
    headers: str
    tags: dict[str, str]
    algorithm: str
    whole: bool
    """Whether the checksum is that of the whole object, and not of the parts' checksums."""
    parts: dict[int, Part] = field(default_factory=dict)


class Bucket:
    """One bucket. Keys are sorted when they are listed, not when they are written."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.uploads: dict[str, Upload] = {}
        self.created = int(time.time())
        self._sorted: list[str] = []
        self._stale = False

    def keep(self, key: str, made: Object) -> None:
        """Write an object."""
        if key not in self.objects:
            self._stale = True
        self.objects[key] = made

    def drop(self, key: str) -> None:
        """Delete an object, if it is there."""
        if self.objects.pop(key, None) is not None:
            self._stale = True

    def after(self, key: str, prefix: str) -> Iterator[str]:
        """The keys with a prefix from `key` on, in the order of their UTF-8 bytes, which is that of their code points."""
        if self._stale:
            self._sorted, self._stale = sorted(self.objects), False
        start = bisect_left(self._sorted, max(key, prefix))
        return itertools.takewhile(lambda each: each.startswith(prefix), itertools.islice(self._sorted, start, None))

    def found(self, key: str) -> Object:
        """An object, or S3's error that it is not there."""
        try:
            return self.objects[key]
        except KeyError:
            raise S3Error(404, "NoSuchKey", "the key is not there") from None


def new_etag(suffix: str = "") -> str:
    """One that no other object had."""
    return f'"{next(_numbers):032x}{suffix}"'


def new_id() -> str:
    """A name for an upload."""
    return f"upload-{next(_numbers)}"


def kept_headers(headers: dict[str, str]) -> str:
    """The lines of headers that a put's object gives back."""
    lines = [f"Content-Type: {headers.get('content-type', 'binary/octet-stream')}\r\n"]
    coding = ", ".join(
        word for text in headers.get("content-encoding", "").split(",") if (word := text.strip()) != "aws-chunked"
    )
    if coding:
        lines.append(f"Content-Encoding: {coding}\r\n")
    lines += (f"{name}: {value}\r\n" for name, value in headers.items() if name in KEPT or name.startswith("x-amz-meta-"))
    return "".join(lines)


@lru_cache(64)
def http_date(seconds: int) -> str:
    """As Last-Modified tells it."""
    return formatdate(seconds, usegmt=True)


@lru_cache(64)
def iso_date(seconds: int) -> str:
    """As lists tell it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
