"""Requests about a bucket: ListObjectsV2, DeleteObjects, and whether it is there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import quote
from xml.sax.saxutils import escape

from benchmarks.objects_server.bucket import Bucket, iso_date
from benchmarks.objects_server.messages import NAMESPACE, Request, Response, S3Error, xml
from benchmarks.objects_server.objects import document


def list_objects(bucket: Bucket, request: Request) -> Response:
    """ListObjectsV2."""
    query = request.query
    if query.get("list-type") != "2":
        raise S3Error(501, "NotImplemented", "only ListObjectsV2 is served here")
    prefix, delimiter, limit = query.get("prefix", ""), query.get("delimiter", ""), min(1000, int(query.get("max-keys", 1000)))
    token = query.get("continuation-token", "")
    after = base64.urlsafe_b64decode(token).decode() if token else query.get("start-after", "")
    found: list[str] = []
    more = False
    for entry in _entries(bucket, prefix, delimiter, after):
        if len(found) == limit:
            more = limit > 0
            break
        found.append(entry)
    written = quote if query.get("encoding-type") == "url" else escape
    text = f"<Name>{escape(request.bucket)}</Name><Prefix>{written(prefix)}</Prefix><KeyCount>{len(found)}</KeyCount>"
    text += f"<MaxKeys>{limit}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>"
    if delimiter:
        text += f"<Delimiter>{written(delimiter)}</Delimiter>"
    if "encoding-type" in query:
        text += "<EncodingType>url</EncodingType>"
    if more:
        text += f"<NextContinuationToken>{base64.urlsafe_b64encode(found[-1].encode()).decode()}</NextContinuationToken>"
    objects = bucket.objects
    folders = []
    for key in found:
        if delimiter and delimiter in key[len(prefix) :]:
            folders.append(f"<CommonPrefixes><Prefix>{written(key)}</Prefix></CommonPrefixes>")
            continue
        kept = objects[key]
        text += (
            f"<Contents><Key>{written(key)}</Key><LastModified>{iso_date(kept.modified)}</LastModified>"
            f"<ETag>&quot;{kept.etag[1:-1]}&quot;</ETag><Size>{kept.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )
    return xml(f"<ListBucketResult {NAMESPACE}>{text}{''.join(folders)}</ListBucketResult>")


def _entries(bucket: Bucket, prefix: str, delimiter: str, after: str) -> Iterator[str]:
    """Keys, and folders in the place of what is in them, that come after `after`."""
    start = after + "\0" if after else ""
    if delimiter and after.startswith(prefix) and after.endswith(delimiter) and len(after) > len(prefix):
        start = _beyond(after)
    while True:
        for key in bucket.after(start, prefix):
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            if end >= 0:
                folder = key[: end + len(delimiter)]
                start = _beyond(folder)
                if folder > after:
                    yield folder
                break
            yield key
        else:
            return


def _beyond(folder: str) -> str:
    """The first text after all that start with `folder`."""
    return folder[:-1] + chr(ord(folder[-1]) + 1)


def delete_objects(bucket: Bucket, request: Request) -> Response:
    """DeleteObjects, with an ETag for each if one is told."""
    root = document(request)
    quiet = root.findtext("{*}Quiet") == "true"
    lines = []
    for each in root.iterfind("{*}Object"):
        key, etag = each.findtext("{*}Key", ""), each.findtext("{*}ETag")
        kept = bucket.objects.get(key)
        if etag and (kept is None or etag.strip('"') != kept.etag.strip('"')):
            lines.append(
                f"<Error><Key>{escape(key)}</Key><Code>PreconditionFailed</Code><Message>another etag</Message></Error>"
            )
            continue
        bucket.drop(key)
        if not quiet:
            lines.append(f"<Deleted><Key>{escape(key)}</Key></Deleted>")
    return xml(f"<DeleteResult {NAMESPACE}>{''.join(lines)}</DeleteResult>")


def list_buckets(buckets: dict[str, Bucket]) -> Response:
    """ListBuckets."""
    texts = (
        f"<Bucket><Name>{name}</Name><CreationDate>{iso_date(each.created)}</CreationDate></Bucket>"
        for name, each in sorted(buckets.items())
    )
    return xml(f"<ListAllMyBucketsResult {NAMESPACE}><Buckets>{''.join(texts)}</Buckets></ListAllMyBucketsResult>")
