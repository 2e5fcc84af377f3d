"""Uploads in parts: S3's multipart API by boto3's low-level client, with a CRC-32C of each part and of the whole.

obstore's own multipart put costs less, but tells nothing of its parts: no upload of it could be taken up again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from cloudlayer.errors import IntegrityError, NotFound
from cloudlayer.storage.checksums import METADATA, combine, crc32c, decode, encode
from cloudlayer.storage.objects import ObjectInfo, PutOptions, UploadInfo
from cloudlayer.storage.store import Data, Upload
from cloudlayer.storage.stores.parts import sized
from cloudlayer.storage.stores.s3.errors import told
from cloudlayer.storage.stores.s3.requests import S3Requests, conditions, kept
from cloudlayer.storage.stores.through_obstore_attempts import Attempts
from cloudlayer.storage.stores.through_obstore_requests import DEFAULT_TYPE, KEPT_BY_STORE
from cloudlayer.units import MIB

MOST_PARTS: Final = 10_000
_STREAM_PARTS: Final = 12 * MIB
"""The size of parts where the end is not known: ten thousand of them are 117 GiB. A stream has four of them in memory."""


class Uploads:
    """The uploads of one bucket."""

    def __init__(self, uri: str, bucket: str, client: Any, requests: S3Requests, attempts: Attempts) -> None:
        self.uri = uri
        self.bucket = bucket
        self.client = client
        self.requests = requests
        self.attempts = attempts

    def begin(self, key: str, options: PutOptions, part_size: int, size: int | None) -> S3Upload:
        """CreateMultipartUpload. The sum of the whole is not known yet: S3 keeps it itself."""
        given = kept({**options.metadata, METADATA: KEPT_BY_STORE}, options.content_type or DEFAULT_TYPE, options)
        answer = self.call("create_multipart_upload", Key=key, ChecksumAlgorithm="CRC32C", ChecksumType="FULL_OBJECT", **given)
        return S3Upload(self, key, str(answer["UploadId"]), options, part_size=_part_size(part_size, size), parts={})

    def resume(self, key: str, identity: str, options: PutOptions, part_size: int, size: int | None) -> S3Upload:
        """ListParts: what had arrived, and how large the parts are."""
        parts = {int(part["PartNumber"]): part for part in self._parts(key, identity)}
        length = int(parts[1]["Size"]) if len(parts) > 1 and 1 in parts else _part_size(part_size, size)
        return S3Upload(self, key, identity, options, part_size=length, parts=parts)

    def unfinished(self, prefix: str) -> Iterator[UploadInfo]:
        """ListMultipartUploads."""
        marks: dict[str, str] = {}
        while True:
            answer = self.call("list_multipart_uploads", Prefix=prefix, **marks)
            for upload in answer.get("Uploads", ()):
                if upload["Key"].startswith(prefix):
                    yield UploadInfo(upload["Key"], upload["UploadId"], upload.get("Initiated"))
            if not answer.get("IsTruncated"):
                return
            marks = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}

    def discard(self, key: str, identity: str) -> None:
        """AbortMultipartUpload; one that is gone is no error."""
        try:
            self.call("abort_multipart_upload", Key=key, UploadId=identity)
        except NotFound:
            return

    def call(self, operation: str, **given: Any) -> dict[str, Any]:
        """One operation on the bucket, tried again as long as it may help."""

        def once() -> dict[str, Any]:
            with told(self.uri):
                answer: dict[str, Any] = getattr(self.client, operation)(Bucket=self.bucket, **given)
            return answer

        return self.attempts(once)

    def _parts(self, key: str, identity: str) -> Iterator[dict[str, Any]]:
        after: dict[str, int] = {}
        while True:
            answer = self.call("list_parts", Key=key, UploadId=identity, **after)
            yield from answer.get("Parts", ())
            if not answer.get("IsTruncated"):
                return
            after = {"PartNumberMarker": int(answer["NextPartNumberMarker"])}


class S3Upload(Upload):
    """A multipart upload. `parts` are those that S3 has told of: number, ETag, size and sum."""

    def __init__(
        self,
        uploads: Uploads,
        key: str,
        identity: str,
        options: PutOptions,
        *,
        part_size: int,
        parts: dict[int, dict[str, Any]],
    ) -> None:
        self.id = identity
        self.part_size = part_size
        self._uploads = uploads
        self._key = key
        self._options = options
        self._parts = parts
        self._lock = threading.Lock()

    def have(self) -> Mapping[int, int]:
        """Those whose sum S3 tells."""
        with self._lock:
            sums = {number: decode(part.get("ChecksumCRC32C")) for number, part in self._parts.items()}
        return {number: total for number, total in sums.items() if total is not None}

    def part(self, number: int, data: Data) -> None:
        """UploadPart; S3 compares the sum."""
        body = data if isinstance(data, bytes) else bytes(data)
        total = encode(crc32c(body))
        answer = self._uploads.call(
            "upload_part", Key=self._key, UploadId=self.id, PartNumber=number, Body=body, ChecksumCRC32C=total
        )
        with self._lock:
            self._parts[number] = {"ETag": answer["ETag"], "Size": len(body), "ChecksumCRC32C": total}

    def complete(self, *, size: int, crc32c: int) -> ObjectInfo:
        """CompleteMultipartUpload, with the sum of the whole, which S3 compares too."""
        self._check(size, crc32c)
        uploads = self._uploads

        def complete() -> ObjectInfo:
            with told(uploads.uri, if_absent=self._options.if_absent):
                answer = uploads.client.complete_multipart_upload(
                    Bucket=uploads.bucket,
                    Key=self._key,
                    UploadId=self.id,
                    MultipartUpload={"Parts": self._listed()},
                    ChecksumCRC32C=encode(crc32c),
                    ChecksumType="FULL_OBJECT",
                    MpuObjectSize=size,
                    **conditions(self._options),
                )
            return self._made(size, crc32c, str(answer["ETag"]))

        def ours() -> ObjectInfo | None:
            found = uploads.requests.head(self._key).info
            return replace(found, crc32c=crc32c) if found.size == size and found.crc32c == crc32c else None

        return uploads.attempts.write(uploads.uri, complete, ours)

    def abort(self) -> None:
        """AbortMultipartUpload."""
        self._uploads.discard(self._key, self.id)

    def _made(self, size: int, crc32c: int, etag: str) -> ObjectInfo:
        content_type = self._options.content_type or DEFAULT_TYPE
        return ObjectInfo(self._key, size, etag, None, content_type, self._options.metadata, crc32c)

    def _listed(self) -> list[dict[str, Any]]:
        names = ("ETag", "ChecksumCRC32C")
        with self._lock:
            return [
                {"PartNumber": number, **{name: part[name] for name in names if name in part}}
                for number, part in sorted(self._parts.items())
            ]

    def _check(self, size: int, total: int) -> None:
        """IntegrityError unless the parts are what is to be the whole."""
        with self._lock:
            parts = [part for _, part in sorted(self._parts.items())]
        if sum(int(part["Size"]) for part in parts) != size:
            raise IntegrityError(f'the parts of "{self._key}" do not have {size} bytes', provider=self._uploads.uri)
        summed = 0
        for part in parts:
            one = decode(part.get("ChecksumCRC32C"))
            if one is None:
                return  # an earlier try's, whose sum the service does not tell: it compares the whole itself
            summed = combine(summed, one, int(part["Size"]))
        if summed != total:
            message = f'the parts of "{self._key}" have the sum {encode(summed)}, not {encode(total)}'
            raise IntegrityError(message, provider=self._uploads.uri)


def _part_size(wanted: int, size: int | None) -> int:
    """So large that ten thousand are enough."""
    return max(wanted, _STREAM_PARTS) if size is None else sized(wanted, size, MOST_PARTS)
