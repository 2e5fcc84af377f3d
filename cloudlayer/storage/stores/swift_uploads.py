"""Large objects of Swift: segments in a container beside, and a manifest that is the object.

    CONTAINER+segments/ID/begun        its body is the key; there for as long as segments are
    CONTAINER+segments/ID/00000001     a part; its content type tells its crc32c, so that a list does
    CONTAINER/KEY                      the manifest, whose metadata names the ID

Segments that no manifest names are those of an upload that never ended, or of an object that was written over.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

from cloudlayer.errors import IntegrityError, NotFound, RejectedSpec, TransientError
from cloudlayer.storage.checksums import combine, crc32c, verify
from cloudlayer.storage.objects import ObjectInfo, PutOptions, UploadInfo
from cloudlayer.storage.store import Data, Upload
from cloudlayer.storage.stores.retries import retried

if TYPE_CHECKING:
    from cloudlayer.storage.stores.swift import SwiftStore

UPLOAD: Final = "cloudlayer-upload"
"""The metadata of a manifest that has the upload's id; users never see it."""
_BEGUN: Final = "begun"
_SUM: Final = re.compile(r".*crc32c=([0-9a-f]{8})", re.DOTALL)
_ID: Final = re.compile(r"[0-9a-f]{32}")
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class _Segment:
    name: str
    size: int
    md5: str
    crc32c: int


class SwiftUpload(Upload):
    """Segments, sent in any order and at once."""

    def __init__(self, store: SwiftStore, key: str, options: PutOptions, part_size: int, *, resume: str | None = None) -> None:
        self.id = resume or uuid4().hex
        self.part_size = part_size
        self._store = store
        self._key = key
        self._options = options
        self._lock = threading.Lock()
        self._segments: dict[int, _Segment] = {}
        if resume is None:
            store.calls.again("PUT", store.segments)
            body = key.encode()
            headers = {"ETag": hashlib.md5(body, usedforsecurity=False).hexdigest()}
            store.calls.again("PUT", store.segments, f"{self.id}/{_BEGUN}", headers=headers, body=body)
        else:
            self._look(resume)

    def _look(self, id: str) -> None:
        if not _ID.fullmatch(id) or key_of(self._store, id) != self._key:
            raise self._gone()
        for item in listed(self._store, f"{id}/"):
            number, total = item["name"].rpartition("/")[2], _SUM.fullmatch(item["content_type"])
            if total is not None:
                self._segments[int(number)] = _Segment(item["name"], item["bytes"], item["hash"], int(total[1], 16))

    def have(self) -> Mapping[int, int]:
        """The sums of the segments that are there."""
        return {number: segment.crc32c for number, segment in sorted(self._segments.items())}

    def part(self, number: int, data: Data) -> None:
        """Send a segment, whose MD5 Swift compares."""
        view = memoryview(data).cast("B")
        md5, total = hashlib.md5(view, usedforsecurity=False).hexdigest(), crc32c(view)
        name = f"{self.id}/{number:08d}"
        headers = {"ETag": md5, "Content-Type": f"application/octet-stream; crc32c={total:08x}"}
        self._store.calls.again("PUT", self._store.segments, name, headers=headers, body=view)
        with self._lock:
            self._segments[number] = _Segment(name, len(view), md5, total)

    def complete(self, *, size: int, crc32c: int) -> ObjectInfo:
        """Put the manifest; Swift compares the segments' sizes and MD5s with it."""
        if key_of(self._store, self.id) != self._key:
            raise self._gone()
        segments = [segment for _, segment in sorted(self._segments.items())]
        if sorted(self._segments) != list(range(1, len(segments) + 1)):
            raise IntegrityError(f"{self._key}: a part before the last one did not arrive", provider=self._store.uri)
        total = 0
        for segment in segments:
            total = combine(total, segment.crc32c, segment.size)
        arrived = sum(segment.size for segment in segments)
        uri = self._store.uri + self._key
        verify(uri, size=arrived, expected_size=size, crc32c=total, expected=crc32c)
        filled = [segment for segment in segments if segment.size]
        if not filled:
            made = self._store.put(self._key, b"", self._options)
            self.abort()
            return made
        return self._manifest(filled, size, crc32c)

    def _manifest(self, segments: list[_Segment], size: int, crc32c: int) -> ObjectInfo:
        parts = [
            {"path": f"/{self._store.segments}/{segment.name}", "etag": segment.md5, "size_bytes": segment.size}
            for segment in segments
        ]
        about = ObjectInfo(self._key, size, None, None, self._options.content_type, self._options.metadata, crc32c)
        try:
            return self._store.put_body(
                about, json.dumps(parts).encode(), query="multipart-manifest=put", extra={UPLOAD: self.id}
            )
        except RejectedSpec:
            if key_of(self._store, self.id) is None:
                raise self._gone() from None
            raise

    def abort(self) -> None:
        """Delete the segments, unless the manifest is there by now."""
        if not is_used(self._store, self._key, self.id):
            forget(self._store, self.id)

    def _gone(self) -> NotFound:
        return NotFound(f"{self._key}: this upload is not there: it was completed or thrown away", provider=self._store.uri)


def unfinished(store: SwiftStore, prefix: str) -> Iterator[UploadInfo]:
    """Uploads whose segments no manifest names."""
    for item in listed(store, ""):
        upload, _, name = item["name"].partition("/")
        if name == _BEGUN:
            key = key_of(store, upload)
            if key is not None and key.startswith(prefix) and not is_used(store, key, upload):
                yield UploadInfo(key, upload, datetime.fromisoformat(f"{item['last_modified']}+00:00"))


def discard(store: SwiftStore, upload: UploadInfo) -> None:
    """Delete what an upload left; nothing of an object that is whole."""
    if _ID.fullmatch(upload.id) and not is_used(store, upload.key, upload.id):
        forget(store, upload.id)


def forget(store: SwiftStore, id: str) -> None:
    """Delete segments, and what tells of them at last."""
    names = [item["name"] for item in listed(store, f"{id}/")]
    for name in sorted(names, key=lambda name: name.endswith(_BEGUN)):
        with suppress(NotFound):
            store.calls.again("DELETE", store.segments, name)


def key_of(store: SwiftStore, id: str) -> str | None:
    """The key that an upload is for; None if it is not there."""
    try:
        return retried(lambda: _key(store, id))
    except NotFound:
        return None


def _key(store: SwiftStore, id: str) -> str:
    answer = store.calls.request("GET", store.segments, f"{id}/{_BEGUN}")
    if hashlib.md5(answer.data, usedforsecurity=False).hexdigest() != answer.headers.get("Etag", "").strip('"'):
        raise TransientError("what arrived is not what was put", provider=store.uri, code="ETag")
    return answer.data.decode()


def is_used(store: SwiftStore, key: str, id: str) -> bool:
    """Whether the object has these segments."""
    try:
        found = store.calls.again("HEAD", store.container, key).headers
    except NotFound:
        return False
    return "X-Static-Large-Object" in found and found.get(f"X-Object-Meta-{UPLOAD}") == id


def listed(store: SwiftStore, prefix: str) -> Iterator[Mapping[str, Any]]:
    """What the container of segments has; nothing if there is none."""
    marker = ""
    while True:
        asked = {"format": "json", "prefix": prefix, "marker": marker, "limit": str(_AT_ONCE)}
        try:
            answer = store.calls.again("GET", store.segments, query=urlencode(asked, quote_via=quote))
        except NotFound:
            return
        items = json.loads(answer.data or b"[]")
        yield from items
        if not items:
            return
        marker = items[-1]["name"]
