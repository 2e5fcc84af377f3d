"""Copies within a bucket: by S3 itself, in one request or in parts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from cloudlayer.errors import AlreadyExists, RejectedSpec
from cloudlayer.storage.checksums import METADATA, attach
from cloudlayer.storage.objects import PLAIN, ObjectInfo, PutOptions
from cloudlayer.storage.stores.copying import of_one_version
from cloudlayer.storage.stores.s3.errors import told
from cloudlayer.storage.stores.s3.requests import conditions, kept
from cloudlayer.storage.stores.s3.uploads import MOST_PARTS, Uploads
from cloudlayer.storage.stores.through_obstore_requests import DEFAULT_TYPE, KEPT_BY_STORE
from cloudlayer.units import GIB, MIB

if TYPE_CHECKING:
    from cloudlayer.storage.stores.s3.store import S3

_LARGEST: Final = 5 * GIB
"""What CopyObject takes."""
_PART: Final = 512 * MIB
_THROUGH_US: Final = 8 * MIB
"""Up to here, a copy under a condition is a get and a put: that condition every service has that has conditions at all."""


class Copies:
    """The copies of one bucket."""

    def __init__(self, store: S3, uploads: Uploads) -> None:
        self._store = store
        self._uploads = uploads

    def copy(self, key: str, target: str, options: PutOptions, if_match: str | None) -> ObjectInfo:
        """Copy; what `options` has takes the place of what the source has."""
        if target != key and options == PLAIN and if_match is None:
            with suppress(RejectedSpec):  # as of what is too large for it, which is looked at then
                return self._at_once(key, target, options)
        return of_one_version(self._store, key, if_match, lambda source: self._copied(source, target, options))

    def _copied(self, source: ObjectInfo, target: str, options: PutOptions) -> ObjectInfo:
        if target == source.key:
            return self._onto_itself(source, options)
        if options == PLAIN and source.size <= _LARGEST:
            return self._at_once(source.key, target, options, source)
        conditional = options.if_absent or options.if_match is not None
        merged = self._merged(source, options)
        if conditional and source.size <= _THROUGH_US:
            return self._store.put(target, self._store.get(source.key, if_match=source.etag), merged)
        if conditional or source.size > _LARGEST:
            return self._in_parts(source, target, merged)
        return self._at_once(source.key, target, options, source)

    def _onto_itself(self, source: ObjectInfo, options: PutOptions) -> ObjectInfo:
        if options.if_absent:
            raise AlreadyExists(f'"{source.key}" is there already', provider=self._store.uri)
        if options.if_match not in {None, source.etag}:
            raise self._store.changed(source.key)
        return source

    def _merged(self, source: ObjectInfo, options: PutOptions) -> PutOptions:
        tags = options.tags
        if not tags and self._store.capabilities["tags"]:
            tags = self._store.tags(source.key)
        content_type, metadata = options.content_type or source.content_type, options.metadata or source.metadata
        return replace(options, content_type=content_type, metadata=metadata, tags=tags)

    def _at_once(self, key: str, target: str, options: PutOptions, source: ObjectInfo | None = None) -> ObjectInfo:
        given: dict[str, Any] = {"CopySource": {"Bucket": self._uploads.bucket, "Key": key}}
        if source is not None:
            given["CopySourceIfMatch"] = source.etag
        if source is not None and (options.metadata or options.content_type):
            users = options.metadata or source.metadata
            metadata = dict(users) if source.crc32c is None else attach(users, source.crc32c)
            given |= kept(metadata, options.content_type or source.content_type or DEFAULT_TYPE, options)
            given["MetadataDirective"] = "REPLACE"
        if options.tags:
            given |= {"Tagging": kept({}, "", options)["Tagging"], "TaggingDirective": "REPLACE"}
        self._uploads.call("copy_object", Key=target, **given)
        return self._store.head(target)

    def _in_parts(self, source: ObjectInfo, target: str, options: PutOptions) -> ObjectInfo:
        sums = {METADATA: KEPT_BY_STORE} if source.crc32c is None else attach({}, source.crc32c)
        given = kept({**options.metadata, **sums}, options.content_type or DEFAULT_TYPE, options)
        begun = self._uploads.call("create_multipart_upload", Key=target, **given)
        identity, part = begun["UploadId"], max(_PART, -(-source.size // MOST_PARTS))
        try:
            with ThreadPoolExecutor(8) as threads:
                copied = threads.map(lambda at: self._part(source, target, identity, at, part), range(0, source.size, part))
                parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(copied, 1)]
            return self._complete(source, target, options, identity, parts)
        except BaseException:
            self._uploads.discard(target, identity)
            raise

    def _part(self, source: ObjectInfo, target: str, identity: str, at: int, part: int) -> str:
        answer = self._uploads.call(
            "upload_part_copy",
            Key=target,
            UploadId=identity,
            PartNumber=at // part + 1,
            CopySource={"Bucket": self._uploads.bucket, "Key": source.key},
            CopySourceIfMatch=source.etag,
            CopySourceRange=f"bytes={at}-{min(at + part, source.size) - 1}",
        )
        return str(answer["CopyPartResult"]["ETag"])

    def _complete(
        self, source: ObjectInfo, target: str, options: PutOptions, identity: str, parts: list[dict[str, Any]]
    ) -> ObjectInfo:
        uploads = self._uploads

        def complete() -> ObjectInfo:
            with told(uploads.uri, if_absent=options.if_absent):
                uploads.client.complete_multipart_upload(
                    Bucket=uploads.bucket,
                    Key=target,
                    UploadId=identity,
                    MultipartUpload={"Parts": parts},
                    **conditions(options),
                )
            return self._store.head(target)

        def ours() -> ObjectInfo | None:
            found = uploads.requests.head(target).info
            return found if found.size == source.size and found.crc32c == source.crc32c is not None else None

        return uploads.attempts.write(uploads.uri, complete, ours)
