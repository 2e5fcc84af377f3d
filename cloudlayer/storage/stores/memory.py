"""memory://NAME/KEY: objects in this process, for tests and for what need not last. The reference for what every verb does.

All clients of a process that name the same account and NAME see the same objects. They are gone when the process ends.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final
from uuid import uuid4

from cloudlayer.errors import AlreadyExists, Changed, CloudError, IntegrityError, InvalidSpec, NotFound
from cloudlayer.specs import Size, Spec, checked
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.checksums import combine, crc32c, verify
from cloudlayer.storage.limits import check_key, check_put
from cloudlayer.storage.objects import PLAIN, ObjectInfo, Page, PutOptions, UploadInfo
from cloudlayer.storage.ranges import check, resolve
from cloudlayer.storage.readers import CheckedReader
from cloudlayer.storage.store import Data, Method, Reader, Store, Upload
from cloudlayer.units import MIB

_PAGE: Final = 1000
_PIECE: Final = MIB
_AFTER_SLASH: Final = chr(ord("/") + 1)


class Settings(Spec):
    """What may be set for an account of memory://."""

    part_size: Size = 8 * MIB


@dataclass(frozen=True, slots=True)
class _Object:
    info: ObjectInfo
    data: bytes
    tags: Mapping[str, str]


@dataclass(slots=True)
class _Arriving:
    """An upload that was begun: its parts by number, with the sum of each."""

    info: UploadInfo
    options: PutOptions
    part_size: int
    parts: dict[int, tuple[bytes, int]] = field(default_factory=dict)


class _Bucket:
    """The objects of one NAME. Whoever reads or writes holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.objects: dict[str, _Object] = {}
        self.keys: list[str] = []
        self.uploads: dict[str, _Arriving] = {}

    def set(self, made: _Object) -> ObjectInfo:
        if made.info.key not in self.objects:
            insort(self.keys, made.info.key)
        self.objects[made.info.key] = made
        return made.info

    def remove(self, key: str) -> None:
        if self.objects.pop(key, None) is not None:
            del self.keys[bisect_left(self.keys, key)]


_BUCKETS: Final[dict[tuple[str, str], _Bucket]] = {}
_BUCKETS_LOCK: Final = threading.Lock()


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """The objects of one name, made when it is first named."""
    if not authority:
        raise InvalidSpec(f"{account}:/// has no name: write {account}://NAME/KEY")
    made = checked(Settings, settings, f"stores.{account}")
    with _BUCKETS_LOCK:
        bucket = _BUCKETS.setdefault((account, authority), _Bucket())
    return MemoryStore(f"{account}://{authority}/", bucket, made.part_size)


class MemoryStore(Store):
    """The objects of one name."""

    def __init__(self, uri: str, bucket: _Bucket, part_size: int) -> None:
        self.uri = uri
        self.capabilities = declare(uri, sign="what is in a process's memory has no URL: copy it to a store that signs")
        self._bucket = bucket
        self._part_size = part_size

    def get(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """The bytes, which are immutable and shared; the sum of a whole is checked."""
        found, first, stop = self._range(key, start, end, if_match)
        if stop - first < len(found.data):
            return found.data[first:stop]
        size = len(found.data)
        verify(self.uri + key, size=size, expected_size=found.info.size, crc32c=crc32c(found.data), expected=found.info.crc32c)
        return found.data

    def open(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> Reader:
        """The object as it is now; what is put later does not show."""
        found, first, stop = self._range(key, start, end, if_match)
        pieces = (found.data[at : min(at + _PIECE, stop)] for at in range(first, stop, _PIECE))
        whole = stop - first == found.info.size
        return CheckedReader(self.uri + key, found.info, pieces, expected=stop - first, whole=whole)

    def _range(self, key: str, start: int | None, end: int | None, if_match: str | None) -> tuple[_Object, int, int]:
        check_key(self.uri, key)
        check(self.uri + key, start, end)
        with self._bucket.lock:
            found = self._held(key, if_match)
        return found, *resolve(self.uri + key, found.info.size, start, end)

    def head(self, key: str) -> ObjectInfo:
        """As it was put."""
        check_key(self.uri, key)
        with self._bucket.lock:
            return self._held(key).info

    def put(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """Keep a copy of `data`."""
        check_key(self.uri, key)
        check_put(self.uri, self.capabilities, options)
        made = _object(key, bytes(data), options)
        with self._bucket.lock:
            self._check(key, options)
            return self._bucket.set(made)

    def upload(self, key: str, options: PutOptions = PLAIN, *, size: int | None = None, resume: str | None = None) -> Upload:
        """Parts of `part_size` bytes, kept beside the objects."""
        check_key(self.uri, key)
        check_put(self.uri, self.capabilities, options)
        with self._bucket.lock:
            self._check(key, options)
            if resume is None:
                info = UploadInfo(key, uuid4().hex, datetime.now(UTC))
                self._bucket.uploads[info.id] = _Arriving(info, options, self._part_size)
                return MemoryUpload(self, info.id)
            arriving = self._bucket.uploads.get(resume)
            if arriving is None or arriving.info.key != key:
                raise self._no_upload(key)
            arriving.options = options
            return MemoryUpload(self, resume)

    def uploads(self, prefix: str = "") -> Iterator[UploadInfo]:
        """All of them, in order of their keys."""
        with self._bucket.lock:
            found = [arriving.info for arriving in self._bucket.uploads.values() if arriving.info.key.startswith(prefix)]
        yield from sorted(found, key=lambda info: (info.key, info.id))

    def discard(self, upload: UploadInfo) -> None:
        """Forget it."""
        with self._bucket.lock:
            self._bucket.uploads.pop(upload.id, None)

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Forget it."""
        check_key(self.uri, key)
        with self._bucket.lock:
            if if_match is not None:
                self._held(key, if_match)
            self._bucket.remove(key)

    def delete_many(self, keys: Sequence[str]) -> dict[str, Exception]:
        """Forget them."""
        for key in keys:
            self.delete(key)
        return {}

    def copy(self, key: str, target: str, options: PutOptions = PLAIN, *, if_match: str | None = None) -> ObjectInfo:
        """The same bytes under another key, with metadata, content type and tags unless `options` has others."""
        check_key(self.uri, key)
        check_key(self.uri, target)
        check_put(self.uri, self.capabilities, options)
        with self._bucket.lock:
            source = self._held(key, if_match)
            self._check(target, options)
            if target == key:
                return source.info
            kept = replace(
                options,
                content_type=options.content_type or source.info.content_type,
                metadata=options.metadata or source.info.metadata,
                tags=options.tags or source.tags,
            )
            return self._bucket.set(_object(target, source.data, kept))

    def list(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> Iterator[Page]:
        """Pages of a thousand, each as the objects are when it is asked for."""
        at = max(prefix, f"{after}\0" if after else "")
        while True:
            with self._bucket.lock:
                page, at = self._page(prefix, shallow, at)
            if page.objects or page.folders:
                yield page
            if not at:
                return

    def _page(self, prefix: str, shallow: bool, at: str) -> tuple[Page, str]:
        """The page of keys from the text `at` on, and where the next one starts: empty where this one is the last."""
        keys, objects, folders = self._bucket.keys, list[ObjectInfo](), list[str]()
        place = bisect_left(keys, at)
        while place < len(keys) and keys[place].startswith(prefix):
            key = keys[place]
            if len(objects) + len(folders) == _PAGE:
                return Page(tuple(objects), tuple(folders)), key
            slash = key.find("/", len(prefix)) if shallow else -1
            if slash < 0:
                objects.append(_listed(self._bucket.objects[key].info))
                place += 1
            else:
                folders.append(key[: slash + 1])
                place = bisect_left(keys, key[:slash] + _AFTER_SLASH)
        return Page(tuple(objects), tuple(folders)), ""

    def sign(self, key: str, method: Method, expires: float) -> str:
        """Unsupported."""
        raise self.lacks("sign")

    def tags(self, key: str) -> dict[str, str]:
        """As they were put or set."""
        check_key(self.uri, key)
        with self._bucket.lock:
            return dict(self._held(key).tags)

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Replace them; the etag stays."""
        check_key(self.uri, key)
        with self._bucket.lock:
            self._bucket.objects[key] = replace(self._held(key), tags=dict(tags))

    def _held(self, key: str, if_match: str | None = None) -> _Object:
        found = self._bucket.objects.get(key)
        if found is None:
            raise NotFound(f"{key} is not there", provider=self.uri)
        if if_match is not None and found.info.etag != if_match:
            raise Changed(f"{key} is another one by now: its etag is {found.info.etag}, not {if_match}", provider=self.uri)
        return found

    def _check(self, key: str, options: PutOptions) -> None:
        """Whether `key` may be written, as far as the conditions go."""
        if options.if_absent and key in self._bucket.objects:
            raise AlreadyExists(f"{key} is there already", provider=self.uri)
        if options.if_match is not None:
            self._held(key, options.if_match)

    def _no_upload(self, key: str) -> CloudError:
        return NotFound(f"{key}: this upload is not there: it was completed or thrown away", provider=self.uri)


class MemoryUpload(Upload):
    """Parts in the memory of the process."""

    def __init__(self, store: MemoryStore, id: str) -> None:
        self.id = id
        self._store = store
        self._bucket = store._bucket
        self._key = self._bucket.uploads[id].info.key
        self.part_size = self._bucket.uploads[id].part_size

    def have(self) -> Mapping[int, int]:
        """The sums of all that arrived."""
        with self._bucket.lock:
            return {number: sum_ for number, (_, sum_) in sorted(self._arriving().parts.items())}

    def part(self, number: int, data: Data) -> None:
        """Keep a copy of `data`."""
        kept = bytes(data)
        with self._bucket.lock:
            self._arriving().parts[number] = kept, crc32c(kept)

    def complete(self, *, size: int, crc32c: int) -> ObjectInfo:
        """Put the parts together, under the conditions of the upload."""
        with self._bucket.lock:
            arriving = self._arriving()
            parts = [part for _, part in sorted(arriving.parts.items())]
            if sorted(arriving.parts) != list(range(1, len(parts) + 1)):
                raise IntegrityError(f"{self._key}: a part before the last one did not arrive", provider=self._store.uri)
            total = 0
            for data, part in parts:
                total = combine(total, part, len(data))
            arrived = sum(len(data) for data, _ in parts)
            verify(self._store.uri + self._key, size=arrived, expected_size=size, crc32c=total, expected=crc32c)
            self._store._check(self._key, arriving.options)
            made = self._bucket.set(_object(self._key, b"".join(data for data, _ in parts), arriving.options))
            del self._bucket.uploads[self.id]
            return made

    def abort(self) -> None:
        """Forget the parts."""
        with self._bucket.lock:
            self._bucket.uploads.pop(self.id, None)

    def _arriving(self) -> _Arriving:
        found = self._bucket.uploads.get(self.id)
        if found is None:
            raise self._store._no_upload(self._key)
        return found


def _object(key: str, data: bytes, options: PutOptions) -> _Object:
    info = ObjectInfo(
        key,
        len(data),
        token_hex(8),  # and no number: journals of a sync keep etags for longer than this process lives
        datetime.now(UTC),
        options.content_type,
        dict(options.metadata),
        crc32c(data),
    )
    return _Object(info, data, dict(options.tags))


def _listed(info: ObjectInfo) -> ObjectInfo:
    """What a list tells of an object."""
    return replace(info, content_type=None, metadata={})
