"""Requests about one object: put, get, head, delete, copy, tags."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from benchmarks.objects_server.bucket import Bucket, Object, http_date, iso_date, kept_headers, new_etag
from benchmarks.objects_server.messages import NAMESPACE, Buffer, Request, Response, S3Error, xml
from benchmarks.objects_server.sums import signed, verified

RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


def put(bucket: Bucket, request: Request) -> Response:
    """PutObject."""
    headers = request.headers
    checksum = verified(headers, [request.body])
    if not checksum:
        signed(headers, [request.body])
    may_write(bucket, request)
    made = Object([request.body], len(request.body), new_etag(), int(time.time()), kept_headers(headers))
    if checksum:
        made.checksum = f"x-amz-checksum-{checksum[0]}: {checksum[1]}\r\nx-amz-checksum-type: FULL_OBJECT\r\n"
    if "x-amz-tagging" in headers:
        made.tags = dict(parse_qsl(headers["x-amz-tagging"], keep_blank_values=True))
    bucket.keep(request.key, made)
    return Response(200, f"ETag: {made.etag}\r\n{made.checksum}")


def get(bucket: Bucket, request: Request) -> Response:
    """GetObject and HeadObject, whole or a range, under conditions."""
    kept, headers = bucket.found(request.key), request.headers
    _conditions(kept, headers)
    lines = f"ETag: {kept.etag}\r\nLast-Modified: {http_date(kept.modified)}\r\nAccept-Ranges: bytes\r\n{kept.headers}"
    if kept.tags:
        lines += f"x-amz-tagging-count: {len(kept.tags)}\r\n"
    start, end = _range(headers.get("range", ""), kept.size)
    if (start, end) != (0, kept.size) or "range" in headers:
        lines += f"Content-Range: bytes {start}-{end - 1}/{kept.size}\r\n"
        return Response(206, lines, [] if request.method == "HEAD" else cut(kept.parts, start, end), end - start)
    if headers.get("x-amz-checksum-mode"):
        lines += kept.checksum
    return Response(200, lines, [] if request.method == "HEAD" else kept.parts, kept.size)


def delete(bucket: Bucket, request: Request) -> Response:
    """DeleteObject, under If-Match too."""
    if (wanted := request.headers.get("if-match")) and not _matches(bucket.found(request.key).etag, wanted):
        raise S3Error(412, "PreconditionFailed", "the etag is another one")
    bucket.drop(request.key)
    return Response(204)


def copy(bucket: Bucket, request: Request, buckets: Mapping[str, Bucket]) -> Response:
    """CopyObject."""
    headers = request.headers
    source = copied(request, buckets)
    may_write(bucket, request)
    replaced = headers.get("x-amz-metadata-directive") == "REPLACE"
    made = Object(
        source.parts, source.size, new_etag(), int(time.time()), kept_headers(headers) if replaced else source.headers
    )
    made.checksum = source.checksum
    retagged = headers.get("x-amz-tagging-directive") == "REPLACE"
    made.tags = dict(parse_qsl(headers.get("x-amz-tagging", ""))) if retagged else dict(source.tags)
    bucket.keep(request.key, made)
    text = f"<LastModified>{iso_date(made.modified)}</LastModified><ETag>{escape(made.etag)}</ETag>"
    return xml(f"<CopyObjectResult {NAMESPACE}>{text}</CopyObjectResult>")


def copied(request: Request, buckets: Mapping[str, Bucket]) -> Object:
    """The object that a request copies from, if its conditions hold."""
    name, _, key = unquote(request.headers["x-amz-copy-source"]).lstrip("/").partition("/")
    if name not in buckets:
        raise S3Error(404, "NoSuchBucket", "the source's bucket is not there")
    source = buckets[name].found(key)
    wanted = request.headers.get("x-amz-copy-source-if-match")
    if wanted and not _matches(source.etag, wanted):
        raise S3Error(412, "PreconditionFailed", "the source's etag is another one")
    return source


def tags(bucket: Bucket, request: Request) -> Response:
    """GetObjectTagging, PutObjectTagging, DeleteObjectTagging."""
    kept = bucket.found(request.key)
    if request.method == "GET":
        pairs = "".join(
            f"<Tag><Key>{escape(name)}</Key><Value>{escape(text)}</Value></Tag>" for name, text in kept.tags.items()
        )
        return xml(f"<Tagging {NAMESPACE}><TagSet>{pairs}</TagSet></Tagging>")
    found = document(request).iterfind(".//{*}Tag") if request.method == "PUT" else ()
    kept.tags = {tag.findtext("{*}Key", ""): tag.findtext("{*}Value", "") for tag in found}
    return Response(200 if request.method == "PUT" else 204)


def document(request: Request) -> ET.Element:
    """The body's XML."""
    try:
        return ET.fromstring(bytes(request.body))  # noqa: S314 (what its own clients send it, on loopback)
    except ET.ParseError:
        raise S3Error(400, "MalformedXML", "the body is no XML") from None


def may_write(bucket: Bucket, request: Request) -> None:
    """Whether If-None-Match and If-Match let the key be written; S3's error if not."""
    absent, wanted = request.headers.get("if-none-match"), request.headers.get("if-match")
    if absent == "*" and request.key in bucket.objects:
        raise S3Error(412, "PreconditionFailed", "the key is there already")
    if wanted and not _matches(bucket.found(request.key).etag, wanted):
        raise S3Error(412, "PreconditionFailed", "the etag is another one")


def cut(parts: list[Buffer], start: int, end: int) -> list[Buffer]:
    """The bytes from `start` up to, not with, `end`, as pieces of the parts."""
    found: list[Buffer] = []
    at = 0
    for part in parts:
        if at < end and start < at + len(part):
            found.append(memoryview(part)[max(0, start - at) : end - at])
        at += len(part)
    return found


def _conditions(kept: Object, headers: dict[str, str]) -> None:
    if (wanted := headers.get("if-match")) and not _matches(kept.etag, wanted):
        raise S3Error(412, "PreconditionFailed", "the etag is another one")
    if (known := headers.get("if-none-match")) and _matches(kept.etag, known):
        raise S3Error(304, "NotModified")


def _matches(etag: str, wanted: str) -> bool:
    return wanted == "*" or etag.strip('"') in (each.strip().strip('"') for each in wanted.split(","))


def _range(text: str, size: int) -> tuple[int, int]:
    match = RANGE.fullmatch(text)
    if match is None or match[0] == "bytes=-":
        return 0, size
    first, last = match[1], match[2]
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        raise S3Error(416, "InvalidRange", "the object has no such bytes")
    return start, end
