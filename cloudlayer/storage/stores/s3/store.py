"""s3://: buckets of Amazon S3, and of what speaks its language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from cloudlayer.errors import InvalidSpec, Throttled, TransientError, Unsupported
from cloudlayer.storage.capabilities import NAMES, declare
from cloudlayer.storage.limits import check_key, check_put
from cloudlayer.storage.objects import PLAIN, ObjectInfo, Page, PutOptions, UploadInfo
from cloudlayer.storage.store import Method, Upload
from cloudlayer.storage.stores.s3.copies import Copies
from cloudlayer.storage.stores.s3.errors import told, translated
from cloudlayer.storage.stores.s3.lists import Lists
from cloudlayer.storage.stores.s3.requests import S3Requests
from cloudlayer.storage.stores.s3.settings import Clients, Settings
from cloudlayer.storage.stores.s3.uploads import Uploads
from cloudlayer.storage.stores.through_obstore import ThroughObstore
from cloudlayer.storage.stores.through_obstore_attempts import Attempts

_AT_ONCE: Final = 1000
"""Keys that one DeleteObjects takes."""
_SIGNED: Final = {"GET": "get_object", "PUT": "put_object", "HEAD": "head_object", "DELETE": "delete_object"}
_LONGEST: Final = 7 * 24 * 3600


class S3(ThroughObstore):
    """One bucket."""

    def __init__(self, uri: str, bucket: str, settings: Settings) -> None:
        missing = dict.fromkeys(settings.lacks, "this one lacks it, as the configuration says")
        if unknown := missing.keys() - NAMES.keys():
            known = ", ".join(NAMES)
            raise InvalidSpec(f"{uri}: `lacks` names no capability of stores: {', '.join(sorted(unknown))}; known: {known}")
        if settings.anonymous:
            missing["sign"] = "who has no credentials cannot sign: set them in the place of anonymous"
        clients = Clients(uri, bucket, settings)
        requests, attempts = S3Requests(uri, bucket, clients.boto3), Attempts(settings.retry_for or 2 * settings.timeout)
        super().__init__(uri, declare(uri, **missing), clients.obstore, requests, attempts)
        self._bucket = bucket
        self._client = clients.boto3
        self._part_size = settings.part_size
        self._lists = Lists(uri, bucket, clients.boto3, attempts)
        self._uploads = Uploads(uri, bucket, clients.boto3, requests, attempts)
        self._copies = Copies(self, self._uploads)

    def upload(self, key: str, options: PutOptions = PLAIN, *, size: int | None = None, resume: str | None = None) -> Upload:
        """A multipart upload of S3's own."""
        check_key(self.uri, key)
        check_put(self.uri, self.capabilities, options)
        if resume is None:
            return self._uploads.begin(key, options, self._part_size, size)
        self.capabilities.require("resume")
        return self._uploads.resume(key, resume, options, self._part_size, size)

    def uploads(self, prefix: str = "") -> Iterator[UploadInfo]:
        """Multipart uploads that are neither completed nor aborted."""
        self.capabilities.require("uploads")
        return self._uploads.unfinished(prefix)

    def discard(self, upload: UploadInfo) -> None:
        """Abort it."""
        self.capabilities.require("uploads")
        self._uploads.discard(upload.key, upload.id)

    def delete_many(self, keys: Sequence[str]) -> dict[str, Exception]:
        """A thousand a request; those that failed for a while, one by one."""
        for key in keys:
            check_key(self.uri, key)
        failed: dict[str, Exception] = {}
        for first in range(0, len(keys), _AT_ONCE):
            failed |= self._delete_batch(keys[first : first + _AT_ONCE])
        return failed

    def _delete_batch(self, keys: Sequence[str]) -> dict[str, Exception]:
        try:
            answer = self._uploads.call("delete_objects", Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True})
        except (Unsupported, TransientError, Throttled):
            return self._delete_each(keys)
        errors = {
            str(told_of["Key"]): translated(self.uri, {"Error": told_of, "ResponseMetadata": answer["ResponseMetadata"]})
            for told_of in answer.get("Errors", ())
        }
        again = [key for key, error in errors.items() if isinstance(error, TransientError | Throttled)]
        certain = {key: error for key, error in errors.items() if key not in again}
        return {**certain, **self._delete_each(again)}

    def copy(self, key: str, target: str, options: PutOptions = PLAIN, *, if_match: str | None = None) -> ObjectInfo:
        """CopyObject, which S3 does by itself; in parts what is larger than 5 GiB."""
        check_key(self.uri, key)
        check_key(self.uri, target)
        check_put(self.uri, self.capabilities, options)
        return self._copies.copy(key, target, options, if_match)

    def list(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> Iterator[Page]:
        """ListObjectsV2, a thousand keys a page."""
        self.capabilities.require("list")
        return self._lists.pages(prefix, shallow=shallow, after=after)

    def sign(self, key: str, method: Method, expires: float) -> str:
        """A URL with a signature of version 4, of a week at most."""
        check_key(self.uri, key)
        self.capabilities.require("sign")
        if not 1 <= expires <= _LONGEST:
            raise InvalidSpec(f"{self.uri}{key}: a URL of S3 is good for 1 second to 7 days, not {expires:g} seconds")
        given = {"Bucket": self._bucket, "Key": key}
        with told(self.uri):
            return cast(str, self._client.generate_presigned_url(_SIGNED[method], Params=given, ExpiresIn=int(expires)))

    def tags(self, key: str) -> dict[str, str]:
        """GetObjectTagging."""
        check_key(self.uri, key)
        self.capabilities.require("tags")
        answer = self._uploads.call("get_object_tagging", Key=key)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """PutObjectTagging; without tags, DeleteObjectTagging."""
        check_key(self.uri, key)
        self.capabilities.require("tags")
        listed = [{"Key": name, "Value": value} for name, value in tags.items()]
        if listed:
            self._uploads.call("put_object_tagging", Key=key, Tagging={"TagSet": listed})
        else:
            self._uploads.call("delete_object_tagging", Key=key)

    def close(self) -> None:
        """Let go of boto3's connections; obstore's go with it."""
        self._client.close()
