"""Single requests to Cloud Storage by Google's library, over its JSON API. An etag is the object's generation."""

from __future__ import annotations

from typing import Any

from cloudlayer.errors import Changed, IntegrityError, NotFound, RejectedSpec
from cloudlayer.storage.checksums import METADATA, decode, encode
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.stores.gs.errors import told
from cloudlayer.storage.stores.through_obstore_requests import Found, Requests, Writing, found


class CloudStorageRequests(Requests):
    """One bucket, each call one request."""

    def __init__(self, uri: str, bucket: Any, timeout: tuple[float, float]) -> None:
        self.uri = uri
        self.bucket = bucket
        self.limits: dict[str, Any] = {"timeout": timeout, "retry": None}

    def get(self, key: str, start: int | None, end: int | None, if_match: str | None) -> tuple[ObjectInfo, bytes]:
        """objects.get of the media; of a whole, the library compares the crc32c that came with it."""
        whole = start is None and end is None
        asked: dict[str, Any] = {} if whole else {"start": start or 0, "end": None if end is None else end - 1}
        with told(self.uri, key=key):
            blob = self.bucket.blob(key)
            data = blob.download_as_bytes(
                raw_download=True, checksum="crc32c" if whole else None, **asked, **self.generation(if_match), **self.limits
            )
        if not whole and not data:
            raise RejectedSpec(f'"{key}" has no bytes there', provider=self.uri, code="InvalidRange")
        return ObjectInfo(key, len(data)), data

    def head(self, key: str) -> Found:
        """objects.get."""
        with told(self.uri, key=key):
            blob = self.bucket.blob(key)
            blob.reload(**self.limits)
        return told_of(blob)

    def put(self, writing: Writing) -> str:
        """objects.insert, with the crc32c, which the service compares."""
        blob = self.bucket.blob(writing.key)
        blob.metadata = without_sum(writing.kept) or None
        with told(self.uri, if_absent=writing.options.if_absent):
            blob.upload_from_string(
                bytes(writing.data),
                content_type=writing.content_type,
                checksum="crc32c",
                **self.condition(writing.options),
                **self.limits,
            )
        if decode(blob.crc32c) != writing.crc32c:
            raise IntegrityError(f'"{writing.key}" has the sum {blob.crc32c}, not {encode(writing.crc32c)}', provider=self.uri)
        return str(blob.generation)

    def delete(self, key: str, if_match: str | None) -> None:
        """objects.delete."""
        try:
            with told(self.uri):
                self.bucket.blob(key).delete(**self.generation(if_match), **self.limits)
        except NotFound:
            if if_match is not None:
                raise

    def condition(self, options: PutOptions) -> dict[str, int]:
        """The condition of a write."""
        return {"if_generation_match": 0} if options.if_absent else self.generation(options.if_match)

    def generation(self, etag: str | None) -> dict[str, int]:
        """The condition that the object is still this one."""
        if etag is None:
            return {}
        if not (etag.isascii() and etag.isdigit()):
            raise Changed("an etag of Cloud Storage is a number, and this is none", provider=self.uri)
        return {"if_generation_match": int(etag)}


def without_sum(kept: Any) -> dict[str, str]:
    """The metadata without the sum, which Cloud Storage keeps itself."""
    return {name: value for name, value in kept.items() if name != METADATA}


def told_of(blob: Any) -> Found:
    """What Cloud Storage tells of an object."""
    kept = {**(blob.metadata or {}), METADATA: blob.crc32c or ""}
    return found(
        blob.name,
        kept,
        size=int(blob.size),
        etag=str(blob.generation),
        modified=blob.updated,
        content_type=blob.content_type,
    )
