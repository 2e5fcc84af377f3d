"""Uploads in parts: each part an object of its own, hidden in lists, and composed into one at the end by the service.

.cloudlayer-upload-ID/00001   what a part is, Cloud Storage tells itself: its size and its crc32c
.cloudlayer-upload-ID/…       32 at most are composed at once, so that many parts take several rounds
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import uuid4

from cloudlayer.errors import IntegrityError, NotFound
from cloudlayer.storage.checksums import combine, crc32c, decode, encode
from cloudlayer.storage.objects import PLAIN, ObjectInfo, PutOptions, UploadInfo
from cloudlayer.storage.store import Data, Upload
from cloudlayer.storage.stores.gs.errors import told
from cloudlayer.storage.stores.gs.requests import CloudStorageRequests, told_of
from cloudlayer.storage.stores.parts import sized
from cloudlayer.storage.stores.through_obstore_attempts import Attempts
from cloudlayer.storage.stores.through_obstore_requests import DEFAULT_TYPE, MARK, Writing

HIDDEN: Final = ".cloudlayer-upload-"
_KEY: Final = "cloudlayer-key"
_AT_ONCE: Final = 32
"""Objects that one compose takes."""
_MOST_PARTS: Final = 10_000


class Uploads:
    """The uploads of one bucket."""

    def __init__(self, requests: CloudStorageRequests, attempts: Attempts) -> None:
        self.requests = requests
        self.attempts = attempts
        self.uri = requests.uri

    def begin(self, key: str, options: PutOptions, part_size: int, size: int | None) -> CloudStorageUpload:
        """Nothing is sent: the parts' names have the id."""
        return CloudStorageUpload(self, key, uuid4().hex, options, part_size=sized(part_size, size, _MOST_PARTS), parts={})

    def resume(self, key: str, identity: str, options: PutOptions, part_size: int, size: int | None) -> CloudStorageUpload:
        """List the parts. NotFound for an upload of which none has arrived."""
        parts = {}
        for blob in self.blobs(f"{HIDDEN}{identity}/"):
            number, total = blob.name.rpartition("/")[2], decode(blob.crc32c)
            if number.isdigit() and total is not None and (blob.metadata or {}).get(_KEY) == key.encode().hex():
                parts[int(number)] = (int(blob.size), total)
        if not parts:
            raise NotFound(f'"{key}" has no part of the upload {identity}', provider=self.uri)
        length = parts[1][0] if len(parts) > 1 and 1 in parts else sized(part_size, size, _MOST_PARTS)
        return CloudStorageUpload(self, key, identity, options, part_size=length, parts=parts)

    def unfinished(self, prefix: str) -> Iterator[UploadInfo]:
        """Every upload that has a part, once."""
        seen = set()
        for blob in self.blobs(HIDDEN):
            identity, key = blob.name.removeprefix(HIDDEN).partition("/")[0], (blob.metadata or {}).get(_KEY)
            if key is None or identity in seen:
                continue
            seen.add(identity)
            if (text := bytes.fromhex(key).decode()).startswith(prefix):
                yield UploadInfo(text, identity, blob.time_created)

    def discard(self, identity: str) -> None:
        """Delete all that an upload has left."""
        names = [blob.name for blob in self.blobs(f"{HIDDEN}{identity}/")]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda name: self.attempts(lambda: self.requests.delete(name, None)), names))

    def blobs(self, prefix: str) -> Iterator[Any]:
        """The objects whose keys start with `prefix`, of uploads too."""
        token: str | None = None
        while True:
            page, token = self.attempts(lambda token=token: self.page(token, prefix=prefix))  # type: ignore[misc]
            yield from page
            if token is None:
                return

    def page(self, token: str | None, **asked: Any) -> tuple[Any, str | None]:
        """One page of a list, and the token of the one after it."""
        bucket = self.requests.bucket
        with told(self.uri):
            pages = bucket.client.list_blobs(bucket, page_token=token, **asked, **self.requests.limits)
            page = next(pages.pages, ())
            return page, pages.next_page_token


class CloudStorageUpload(Upload):
    """Parts that are objects of their own. `parts` are size and sum of those that are there, by number."""

    def __init__(
        self,
        uploads: Uploads,
        key: str,
        identity: str,
        options: PutOptions,
        *,
        part_size: int,
        parts: dict[int, tuple[int, int]],
    ) -> None:
        self.id = identity
        self.part_size = part_size
        self._uploads = uploads
        self._key = key
        self._options = options
        self._parts = parts

    def have(self) -> Mapping[int, int]:
        """All that arrived."""
        return {number: total for number, (_, total) in self._parts.copy().items()}

    def part(self, number: int, data: Data) -> None:
        """Put it as an object; the service compares its sum."""
        body = data if isinstance(data, bytes) else bytes(data)
        total = crc32c(body)
        kept = {_KEY: self._key.encode().hex()}
        part = Writing(self._named(f"{number:05}"), body, PLAIN, kept, DEFAULT_TYPE, total)
        self._uploads.attempts(lambda: self._uploads.requests.put(part))
        self._parts[number] = (len(body), total)

    def complete(self, *, size: int, crc32c: int) -> ObjectInfo:
        """Compose, in rounds; then delete the parts."""
        names = self._checked(size, crc32c)
        if not names:
            raise NotFound(f'the upload of "{self._key}" has no part', provider=self._uploads.uri)
        round_ = 0
        while len(names) > _AT_ONCE:
            round_ += 1
            groups = [names[first : first + _AT_ONCE] for first in range(0, len(names), _AT_ONCE)]
            targets = [self._named(f"{round_}-{number:05}") for number in range(len(groups))]
            for target, group in zip(targets, groups, strict=True):
                self._uploads.attempts(lambda target=target, group=group: self._compose(target, group, PLAIN, {}))  # type: ignore[misc]
            names = targets
        made = self._finish(names)
        if made.crc32c != crc32c:
            raise IntegrityError(f'"{self._key}" has another sum than {encode(crc32c)}', provider=self._uploads.uri)
        self._uploads.discard(self.id)
        return made

    def abort(self) -> None:
        """Delete the parts."""
        self._uploads.discard(self.id)
        self._parts.clear()

    def _finish(self, names: list[str]) -> ObjectInfo:
        mark = uuid4().hex
        kept = {**self._options.metadata, MARK: mark}

        def ours() -> ObjectInfo | None:
            found = self._uploads.requests.head(self._key)
            return found.info if found.mark == mark else None

        return self._uploads.attempts.write(
            self._uploads.uri, lambda: self._compose(self._key, names, self._options, kept), ours
        )

    def _compose(self, target: str, names: list[str], options: PutOptions, kept: Mapping[str, str]) -> ObjectInfo:
        requests = self._uploads.requests
        blob = requests.bucket.blob(target)
        blob.content_type = options.content_type or DEFAULT_TYPE
        blob.metadata = dict(kept) or None
        with told(requests.uri, if_absent=options.if_absent):
            blob.compose([requests.bucket.blob(name) for name in names], **requests.condition(options), **requests.limits)
        return told_of(blob).info

    def _checked(self, size: int, total: int) -> list[str]:
        parts = sorted(self._parts.items())
        summed = 0
        for _, (length, one) in parts:
            summed = combine(summed, one, length)
        if parts and (sum(length for _, (length, _) in parts) != size or summed != total):
            message = f'the parts of "{self._key}" are not {size} bytes with the sum {encode(total)}'
            raise IntegrityError(message, provider=self._uploads.uri)
        return [self._named(f"{number:05}") for number, _ in parts]

    def _named(self, name: str) -> str:
        return f"{HIDDEN}{self.id}/{name}"
