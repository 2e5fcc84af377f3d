"""Requests about uploads in parts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from benchmarks.objects_server.bucket import Bucket, Object, Part, Upload, iso_date, kept_headers, new_etag, new_id
from benchmarks.objects_server.messages import NAMESPACE, Request, Response, S3Error, xml
from benchmarks.objects_server.objects import copied, cut, document, may_write
from benchmarks.objects_server.sums import PREFIX, composite, signed, verified

LEAST = 5 << 20
"""Bytes that each part but the last has at least."""


def create(bucket: Bucket, request: Request) -> Response:
    """CreateMultipartUpload."""
    headers = request.headers
    algorithm = headers.get("x-amz-checksum-algorithm", "").lower()
    whole = headers.get("x-amz-checksum-type") == "FULL_OBJECT" or algorithm == "crc64nvme"
    tags = dict(parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True))
    begun = new_id()
    bucket.uploads[begun] = Upload(request.key, int(time.time()), kept_headers(headers), tags, algorithm, whole)
    text = f"<Bucket>{request.bucket}</Bucket><Key>{escape(request.key)}</Key><UploadId>{begun}</UploadId>"
    return xml(f"<InitiateMultipartUploadResult {NAMESPACE}>{text}</InitiateMultipartUploadResult>")


def part(bucket: Bucket, request: Request, buckets: Mapping[str, Bucket]) -> Response:
    """UploadPart and UploadPartCopy."""
    upload = _open(bucket, request)
    number = int(request.query.get("partNumber", 0))
    if not 1 <= number <= 10_000:
        raise S3Error(400, "InvalidArgument", "parts are numbered from 1 to 10,000")
    copying = "x-amz-copy-source" in request.headers
    if copying:
        source = copied(request, buckets)
        first, _, last = request.headers.get("x-amz-copy-source-range", "bytes=0-").removeprefix("bytes=").partition("-")
        data = cut(source.parts, int(first), int(last) + 1 if last else source.size)
    else:
        data = [request.body]
    checksum = verified(request.headers, data)
    if not (checksum or copying):
        signed(request.headers, data)
    made = Part(data, sum(map(len, data)), new_etag(), int(time.time()), checksum)
    upload.parts[number] = made
    if copying:
        text = f"<LastModified>{iso_date(made.modified)}</LastModified><ETag>{escape(made.etag)}</ETag>"
        return xml(f"<CopyPartResult {NAMESPACE}>{text}</CopyPartResult>")
    told = f"{PREFIX}{checksum[0]}: {checksum[1]}\r\n" if checksum else ""
    return Response(200, f"ETag: {made.etag}\r\n{told}")


def complete(bucket: Bucket, request: Request) -> Response:
    """CompleteMultipartUpload, under If-None-Match or If-Match too."""
    upload = _open(bucket, request)
    chosen = _chosen(upload, document(request))
    may_write(bucket, request)
    data = [piece for each in chosen for piece in each.data]
    size = sum(each.size for each in chosen)
    if (told := request.headers.get("x-amz-mp-object-size")) and int(told) != size:
        raise S3Error(400, "InvalidRequest", "the parts have another size in all")
    made = Object(data, size, new_etag(f"-{len(chosen)}"), int(time.time()), upload.headers, tags=upload.tags)
    made.checksum = _checksum(upload, request, chosen)
    bucket.keep(request.key, made)
    del bucket.uploads[request.query["uploadId"]]
    text = f"<Bucket>{request.bucket}</Bucket><Key>{escape(request.key)}</Key><ETag>{escape(made.etag)}</ETag>"
    return xml(f"<CompleteMultipartUploadResult {NAMESPACE}>{text}</CompleteMultipartUploadResult>")


def _chosen(upload: Upload, root: ET.Element) -> list[Part]:
    """The parts that the client names, if all are there, in order, and none but the last is too small."""
    found: list[Part] = []
    before = 0
    for each in root.iterfind("{*}Part"):
        number, etag = int(each.findtext("{*}PartNumber", "0")), each.findtext("{*}ETag", "")
        have = upload.parts.get(number)
        if have is None or have.etag.strip('"') != etag.strip('"'):
            raise S3Error(400, "InvalidPart", f"part {number} is not there, or is another one")
        if number <= before:
            raise S3Error(400, "InvalidPartOrder", "the parts are not in their order")
        found.append(have)
        before = number
    if not found:
        raise S3Error(400, "MalformedXML", "no part is named")
    if any(each.size < LEAST for each in found[:-1]):
        raise S3Error(400, "EntityTooSmall", "a part but the last has less than 5 MiB")
    return found


def _checksum(upload: Upload, request: Request, chosen: list[Part]) -> str:
    """The header that tells the object's checksum, once it is verified against the one that the client told."""
    if upload.whole or request.headers.get("x-amz-checksum-type") == "FULL_OBJECT":
        told = verified(request.headers, [piece for each in chosen for piece in each.data])
        return f"{PREFIX}{told[0]}: {told[1]}\r\nx-amz-checksum-type: FULL_OBJECT\r\n" if told else ""
    texts = [each.checksum[1] for each in chosen if each.checksum and each.checksum[0] == upload.algorithm]
    if not upload.algorithm or len(texts) != len(chosen):
        return ""
    text = composite(upload.algorithm, texts)
    return f"{PREFIX}{upload.algorithm}: {text}-{len(chosen)}\r\nx-amz-checksum-type: COMPOSITE\r\n" if text else ""


def abort(bucket: Bucket, request: Request) -> Response:
    """AbortMultipartUpload."""
    _open(bucket, request)
    del bucket.uploads[request.query["uploadId"]]
    return Response(204)


def list_parts(bucket: Bucket, request: Request) -> Response:
    """ListParts."""
    upload = _open(bucket, request)
    after, limit = int(request.query.get("part-number-marker") or 0), min(1000, int(request.query.get("max-parts", 1000)))
    numbers = [number for number in sorted(upload.parts) if number > after]
    text = f"<Bucket>{request.bucket}</Bucket><Key>{escape(request.key)}</Key>"
    text += f"<UploadId>{request.query['uploadId']}</UploadId><IsTruncated>{str(len(numbers) > limit).lower()}</IsTruncated>"
    if len(numbers) > limit:
        text += f"<NextPartNumberMarker>{numbers[limit - 1]}</NextPartNumberMarker>"
    for number in numbers[:limit]:
        have = upload.parts[number]
        checksum = (
            f"<Checksum{have.checksum[0].upper()}>{have.checksum[1]}</Checksum{have.checksum[0].upper()}>"
            if have.checksum
            else ""
        )
        text += f"<Part><PartNumber>{number}</PartNumber><LastModified>{iso_date(have.modified)}</LastModified>"
        text += f"<ETag>{escape(have.etag)}</ETag><Size>{have.size}</Size>{checksum}</Part>"
    return xml(f"<ListPartsResult {NAMESPACE}>{text}</ListPartsResult>")


def list_uploads(bucket: Bucket, request: Request) -> Response:
    """ListMultipartUploads."""
    query = request.query
    prefix, limit = query.get("prefix", ""), min(1000, int(query.get("max-uploads", 1000)))
    after = (query.get("key-marker", ""), query.get("upload-id-marker", "") or "\U0010ffff")
    found = sorted(
        (upload.key, name, upload.begun)
        for name, upload in bucket.uploads.items()
        if upload.key.startswith(prefix) and (upload.key, name) > after
    )
    text = f"<Bucket>{request.bucket}</Bucket><Prefix>{escape(prefix)}</Prefix><MaxUploads>{limit}</MaxUploads>"
    text += f"<IsTruncated>{str(len(found) > limit).lower()}</IsTruncated>"
    if len(found) > limit:
        key, name, _ = found[limit - 1]
        text += f"<NextKeyMarker>{escape(key)}</NextKeyMarker><NextUploadIdMarker>{name}</NextUploadIdMarker>"
    for key, name, begun in found[:limit]:
        text += f"<Upload><Key>{escape(key)}</Key><UploadId>{name}</UploadId><Initiated>{iso_date(begun)}</Initiated></Upload>"
    return xml(f"<ListMultipartUploadsResult {NAMESPACE}>{text}</ListMultipartUploadsResult>")


def _open(bucket: Bucket, request: Request) -> Upload:
    upload = bucket.uploads.get(request.query.get("uploadId", ""))
    if upload is None or upload.key != request.key:
        raise S3Error(404, "NoSuchUpload", "the upload is completed, aborted, or was never begun")
    return upload
