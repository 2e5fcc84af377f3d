"""Single requests to S3 by boto3's low-level client."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from cloudlayer.storage.checksums import decode, encode
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.stores.s3.errors import told
from cloudlayer.storage.stores.through_obstore_requests import Found, Requests, Writing, found


class S3Requests(Requests):
    """One bucket by boto3, each call one request."""

    def __init__(self, uri: str, bucket: str, client: Any) -> None:
        self._uri = uri
        self._bucket = bucket
        self._client = client

    def get(self, key: str, start: int | None, end: int | None, if_match: str | None) -> tuple[ObjectInfo, bytes]:
        """GetObject, read to its end."""
        asked: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "ChecksumMode": "ENABLED"}
        if start is not None or end is not None:
            asked["Range"] = f"bytes={start or 0}-{'' if end is None else end - 1}"
        if if_match is not None:
            asked["IfMatch"] = if_match
        with told(self._uri):
            answer = self._client.get_object(**asked)
            with answer["Body"] as body:
                data = body.read()
        info = _found(key, answer).info
        return info, data

    def head(self, key: str) -> Found:
        """HeadObject, with the sum that S3 itself keeps."""
        with told(self._uri):
            return _found(key, self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED"))

    def put(self, writing: Writing) -> str:
        """PutObject; the server compares the sum."""
        sent = {**kept(writing.kept, writing.content_type, writing.options), **conditions(writing.options)}
        with told(self._uri, if_absent=writing.options.if_absent):
            answer = self._client.put_object(
                Bucket=self._bucket, Key=writing.key, Body=bytes(writing.data), ChecksumCRC32C=encode(writing.crc32c), **sent
            )
        return str(answer["ETag"])

    def delete(self, key: str, if_match: str | None) -> None:
        """DeleteObject."""
        condition = {} if if_match is None else {"IfMatch": if_match}
        with told(self._uri):
            self._client.delete_object(Bucket=self._bucket, Key=key, **condition)


def kept(metadata: Any, content_type: str, options: PutOptions) -> dict[str, Any]:
    """What is kept with an object, as S3's operations take it."""
    given: dict[str, Any] = {"Metadata": dict(metadata), "ContentType": content_type}
    if options.tags:
        given["Tagging"] = urlencode(options.tags)
    return given


def conditions(options: PutOptions) -> dict[str, str]:
    """The condition of a write, as S3's operations take it."""
    if options.if_absent:
        return {"IfNoneMatch": "*"}
    return {} if options.if_match is None else {"IfMatch": options.if_match}


def _found(key: str, answer: dict[str, Any]) -> Found:
    """What GetObject and HeadObject tell; S3's own sum of a whole, where it has one and we have none."""
    size = int(answer["ContentLength"])
    if "ContentRange" in answer:
        size = int(answer["ContentRange"].rpartition("/")[2])
    seen = found(
        key,
        answer.get("Metadata", {}),
        size=size,
        etag=answer.get("ETag"),
        modified=answer.get("LastModified"),
        content_type=answer.get("ContentType"),
    )
    native = decode(answer.get("ChecksumCRC32C")) if answer.get("ChecksumType") == "FULL_OBJECT" else None
    if seen.info.crc32c is None and native is not None:
        return Found(replace(seen.info, crc32c=native), seen.mark)
    return seen
