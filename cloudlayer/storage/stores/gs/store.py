"""gs://: buckets of Google Cloud Storage, by Google's own library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final, cast

from cloudlayer.errors import AlreadyExists, AuthError, Changed, CloudError, InvalidSpec
from cloudlayer.storage import ranges
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.limits import check_key, check_put
from cloudlayer.storage.objects import PLAIN, ObjectInfo, Page, PutOptions, UploadInfo
from cloudlayer.storage.readers import CheckedReader
from cloudlayer.storage.store import Data, Method, Reader, Store, Upload
from cloudlayer.storage.stores.copying import of_one_version
from cloudlayer.storage.stores.gs.errors import told
from cloudlayer.storage.stores.gs.requests import CloudStorageRequests, told_of
from cloudlayer.storage.stores.gs.settings import Settings, client
from cloudlayer.storage.stores.gs.uploads import HIDDEN, Uploads
from cloudlayer.storage.stores.through_obstore_attempts import Attempts
from cloudlayer.storage.stores.through_obstore_requests import MARK, writing
from cloudlayer.units import MIB

_PIECE: Final = 4 * MIB
_LONGEST: Final = 7 * 24 * 3600
_FIELDS: Final = "items(name,size,generation,updated,contentType,crc32c,metadata),prefixes,nextPageToken"
_NO_TAGS: Final = "Cloud Storage has no tags of objects: use metadata, which is set when the object is put"


class CloudStorage(Store):
    """One bucket."""

    def __init__(self, uri: str, bucket: str, settings: Settings) -> None:
        missing = {"tags": _NO_TAGS}
        if settings.anonymous:
            missing["sign"] = "who has no credentials cannot sign: set credentials in the place of anonymous"
        self.uri = uri
        self.capabilities = declare(uri, **missing)
        self._client = client(uri, settings)
        self._bucket = self._client.bucket(bucket)
        self._part_size = settings.part_size
        self._attempts = Attempts(settings.retry_for or 2 * settings.timeout)
        self._requests = CloudStorageRequests(uri, self._bucket, (settings.connect_timeout, settings.timeout))
        self._uploads = Uploads(self._requests, self._attempts)

    def get(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """By one request; of a whole, the sum is compared."""
        self._check(key)
        ranges.check(self.uri + key, start, end)
        if start is not None and start < 0:
            info = self.head(key)
            start, end = ranges.resolve(self.uri + key, info.size, start, end)
            if_match = if_match or info.etag
        return self._attempts(lambda: self._requests.get(key, start, end, if_match))[1]

    def open(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> Reader:
        """Piece by piece, all of one generation."""
        self._check(key)
        ranges.check(self.uri + key, start, end)
        info = self.head(key)
        if if_match is not None and info.etag != if_match:
            raise Changed(f'"{key}" has another etag', provider=self.uri)
        first, stop = ranges.resolve(self.uri + key, info.size, start, end)
        pieces = (self.get(key, start=at, end=min(at + _PIECE, stop), if_match=info.etag) for at in range(first, stop, _PIECE))
        return CheckedReader(self.uri + key, info, pieces, expected=stop - first, whole=stop - first == info.size)

    def head(self, key: str) -> ObjectInfo:
        """By one request."""
        self._check(key)
        return self._attempts(lambda: self._requests.head(key)).info

    def put(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """By one request, with the sum."""
        self._check(key)
        sending = writing(self.uri, self.capabilities, key, data, options)

        def put() -> ObjectInfo:
            return sending.answered(self._requests.put(sending))

        def ours() -> ObjectInfo | None:
            found = self._requests.head(key)
            return found.info if found.mark == sending.kept[MARK] else None

        return self._attempts.write(self.uri, put, ours) if sending.conditional else self._attempts(put)

    def upload(self, key: str, options: PutOptions = PLAIN, *, size: int | None = None, resume: str | None = None) -> Upload:
        """Parts that are composed at the end."""
        self._check(key)
        check_put(self.uri, self.capabilities, options)
        if resume is None:
            return self._uploads.begin(key, options, self._part_size, size)
        return self._uploads.resume(key, resume, options, self._part_size, size)

    def uploads(self, prefix: str = "") -> Iterator[UploadInfo]:
        """Those of this library: Cloud Storage tells of no others."""
        return self._uploads.unfinished(prefix)

    def discard(self, upload: UploadInfo) -> None:
        """Delete its parts."""
        self._uploads.discard(upload.id)

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """By one request."""
        self._check(key)
        if if_match is None:
            return self._attempts(lambda: self._requests.delete(key, None))
        return self._attempts.write(self.uri, lambda: self._requests.delete(key, if_match), lambda: None)

    def delete_many(self, keys: Sequence[str]) -> dict[str, Exception]:
        """One request a key, several at once."""
        for key in keys:
            self._check(key)

        def delete(key: str) -> CloudError | None:
            try:
                self.delete(key)
            except CloudError as error:
                return error
            return None

        with ThreadPoolExecutor(8) as threads:
            errors = list(threads.map(delete, keys))
        return {key: error for key, error in zip(keys, errors, strict=True) if error is not None}

    def copy(self, key: str, target: str, options: PutOptions = PLAIN, *, if_match: str | None = None) -> ObjectInfo:
        """objects.rewrite, on the service's side."""
        self._check(key)
        self._check(target)
        check_put(self.uri, self.capabilities, options)
        return of_one_version(self, key, if_match, lambda source: self._copied(source, target, options))

    def _copied(self, source: ObjectInfo, target: str, options: PutOptions) -> ObjectInfo:
        if target == source.key:
            return self._onto_itself(source, options)
        unless_changed = {"if_source_generation_match": int(str(source.etag)), **self._requests.limits}

        def rewrite() -> ObjectInfo:
            made = self._bucket.blob(target)
            made.metadata = dict(options.metadata or source.metadata) or None
            made.content_type = options.content_type or source.content_type
            token: str | None = None
            with told(self.uri, if_absent=options.if_absent):
                while True:
                    given = {**self._requests.condition(options), **unless_changed}
                    token, _, _ = made.rewrite(self._bucket.blob(source.key), token=token, **given)
                    if token is None:
                        return told_of(made).info

        if options.if_absent or options.if_match is not None:
            return self._attempts.write(self.uri, rewrite, lambda: None)
        return self._attempts(rewrite)

    def _onto_itself(self, source: ObjectInfo, options: PutOptions) -> ObjectInfo:
        if options.if_absent:
            raise AlreadyExists(f'"{source.key}" is there already', provider=self.uri)
        if options.if_match not in {None, source.etag}:
            raise Changed(f'"{source.key}" has another etag', provider=self.uri)
        return source

    def list(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> Iterator[Page]:
        """objects.list, a thousand a page; without the parts of uploads."""
        asked: dict[str, Any] = {"prefix": prefix, "fields": _FIELDS}
        if shallow:
            asked["delimiter"] = "/"
        if after:
            asked["start_offset"] = after
        token: str | None = None
        while True:
            page, token = self._attempts(lambda token=token: self._uploads.page(token, **asked))  # type: ignore[misc]
            found = tuple(told_of(blob).info for blob in page if blob.name > after and not blob.name.startswith(HIDDEN))
            folders = getattr(page, "prefixes", ())
            named = tuple(name for name in sorted(folders) if name > after and not name.startswith(HIDDEN))
            if found or named:
                yield Page(found, named)
            if token is None:
                return

    def sign(self, key: str, method: Method, expires: float) -> str:
        """A URL with a signature of version 4, of a week at most; it takes a service account, or a machine's own."""
        self._check(key)
        self.capabilities.require("sign")
        if not 1 <= expires <= _LONGEST:
            raise InvalidSpec(
                f"{self.uri}{key}: a URL of Cloud Storage is good for 1 second to 7 days, not {expires:g} seconds"
            )
        with told(self.uri):
            try:
                url = self._bucket.blob(key).generate_signed_url(
                    version="v4", expiration=timedelta(seconds=expires), method=method
                )
            except AttributeError:
                message = "these credentials have no key to sign with: set credentials to the file of a service account"
                raise AuthError(message, provider=self.uri) from None
        return cast(str, url)

    def tags(self, key: str) -> dict[str, str]:
        """Unsupported."""
        self.capabilities.require("tags")
        return {}

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Unsupported."""
        self.capabilities.require("tags")

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _check(self, key: str) -> None:
        check_key(self.uri, key)
        if key in {".", ".."} or "\r" in key or "\n" in key:
            raise InvalidSpec(f'{self.uri}{key!r} is no key here: Cloud Storage has none with a line break, nor "." and ".."')
