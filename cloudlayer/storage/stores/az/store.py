"""az://: containers of Azure Blob Storage."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from azure.core import MatchConditions
from azure.storage.blob import BlobSasPermissions, ContentSettings, generate_blob_sas

from cloudlayer.errors import AlreadyExists, CloudError, InvalidSpec, TransientError
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.checksums import attach
from cloudlayer.storage.limits import check_path, check_put
from cloudlayer.storage.objects import PLAIN, ObjectInfo, Page, PutOptions, UploadInfo
from cloudlayer.storage.store import Data, Method, Upload
from cloudlayer.storage.stores.az.errors import told
from cloudlayer.storage.stores.az.lists import Lists
from cloudlayer.storage.stores.az.requests import AzureRequests, conditions, kept
from cloudlayer.storage.stores.az.settings import Clients, Settings
from cloudlayer.storage.stores.az.uploads import Uploads
from cloudlayer.storage.stores.copying import of_one_version
from cloudlayer.storage.stores.through_obstore import ThroughObstore
from cloudlayer.storage.stores.through_obstore_attempts import Attempts
from cloudlayer.storage.stores.through_obstore_requests import DEFAULT_TYPE, MARK, writing
from cloudlayer.units import MIB

_AT_ONCE: Final = 256
"""Blobs that one batch takes."""
_THROUGH_US: Final = 8 * MIB
"""Up to here, a copy that changes the content type is a get and a put: Copy Blob cannot change it."""
_PERMISSIONS: Final = {
    "GET": BlobSasPermissions(read=True),
    "HEAD": BlobSasPermissions(read=True),
    "PUT": BlobSasPermissions(create=True, write=True),
    "DELETE": BlobSasPermissions(delete=True),
}
_MISSING: Final = {
    "any_key": 'Azure takes a name for a path: no part of it may be empty, "." or "..", and a backslash becomes a slash',
    "uploads": "Azure has no call for blocks that were never committed: it throws them away by itself after a week",
    "ordered_list": 'Azure promises "alphabetical order", and not whose: letters beyond U+FFFF may come before others',
    "list_after": "Azure lists from the start: what comes before is read, and left out",
}


class Azure(ThroughObstore):
    """One container."""

    HYPHEN = "_"

    def __init__(self, uri: str, container: str, settings: Settings) -> None:
        clients = Clients(uri, container, settings)
        missing = dict(_MISSING)
        if not settings.check_puts:
            missing["checked_put"] = "check_puts = false in the configuration"
        if not clients.signs:
            missing["sign"] = "it takes the account's key or an identity to sign: set account_key, or leave sas_token out"
        requests, attempts = AzureRequests(uri, clients.azure), Attempts(settings.retry_for or 2 * settings.timeout)
        super().__init__(uri, declare(uri, **missing), clients.obstore, requests, attempts)
        self._clients = clients
        self._container = container
        self._part_size = settings.part_size
        self._by_azure = settings.check_puts
        self._lists = Lists(uri, f"{clients.endpoint}/{quote(container)}", clients.lists, attempts)
        self._uploads = Uploads(uri, clients.azure, requests, attempts)

    def put(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """By one request, with sum and MD5."""
        if not self._by_azure:
            return super().put(key, data, options)
        self._plain(key)
        return self._put_again(key, writing(self.uri, self.capabilities, key, data, options), lost=False)

    async def put_async(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """As `put`; without `check_puts` no thread takes part."""
        if not self._by_azure:
            return await super().put_async(key, data, options)
        return await asyncio.to_thread(self.put, key, data, options)

    def upload(self, key: str, options: PutOptions = PLAIN, *, size: int | None = None, resume: str | None = None) -> Upload:
        """Blocks of a blob that is made when they are committed."""
        self._check(key)
        check_put(self.uri, self.capabilities, options)
        if resume is None:
            return self._uploads.begin(key, options, self._part_size, size)
        return self._uploads.resume(key, resume, options, self._part_size, size)

    def uploads(self, prefix: str = "") -> Iterator[UploadInfo]:
        """Unsupported: Azure tells of no upload."""
        self.capabilities.require("uploads")
        return iter(())

    def discard(self, upload: UploadInfo) -> None:
        """Unsupported: Azure throws blocks away by itself."""
        self.capabilities.require("uploads")

    def delete_many(self, keys: Sequence[str]) -> dict[str, Exception]:
        """256 a request; those that failed for a while, one by one."""
        for key in keys:
            self._check(key)
        failed: dict[str, Exception] = {}
        for first in range(0, len(keys), _AT_ONCE):
            failed |= self._delete_batch(keys[first : first + _AT_ONCE])
        return failed

    def _delete_batch(self, keys: Sequence[str]) -> dict[str, Exception]:
        try:
            with told(self.uri):
                answers = list(self._clients.azure.delete_blobs(*keys, delete_snapshots="include", raise_on_any_failure=False))
        except CloudError:
            return self._delete_each(keys)
        failed = [key for key, answer in zip(keys, answers, strict=True) if answer.status_code not in {202, 404}]
        return self._delete_each(failed)

    def copy(self, key: str, target: str, options: PutOptions = PLAIN, *, if_match: str | None = None) -> ObjectInfo:
        """Copy Blob, within the account."""
        self._check(key)
        self._check(target)
        check_put(self.uri, self.capabilities, options)
        return of_one_version(self, key, if_match, lambda source: self._copied(source, target, options))

    def _copied(self, source: ObjectInfo, target: str, options: PutOptions) -> ObjectInfo:
        if target == source.key:
            return self._onto_itself(source, options)
        retyped = options.content_type not in {None, source.content_type}
        merged = replace(
            options,
            content_type=options.content_type or source.content_type,
            metadata=options.metadata or source.metadata,
            tags=options.tags or self.tags(source.key),
        )
        if retyped and source.size <= _THROUGH_US:
            return self.put(target, self.get(source.key, if_match=source.etag), merged)
        self._copy_blob(source, target, merged)
        if retyped:
            with told(self.uri):
                settings = ContentSettings(content_type=options.content_type)
                self._clients.azure.get_blob_client(target).set_http_headers(settings)
        return self.head(target)

    def _onto_itself(self, source: ObjectInfo, options: PutOptions) -> ObjectInfo:
        if options.if_absent:
            raise AlreadyExists(f'"{source.key}" is there already', provider=self.uri)
        if options.if_match not in {None, source.etag}:
            raise self.changed(source.key)
        return source

    def _copy_blob(self, source: ObjectInfo, target: str, options: PutOptions) -> None:
        """Copy on the service's side this very version, and wait until it is done; the copy has a mark of its own."""
        mark = uuid4().hex
        metadata = dict(options.metadata) if source.crc32c is None else attach(options.metadata, source.crc32c)
        given = kept({**metadata, MARK: mark}, options.content_type or DEFAULT_TYPE, options) | conditions(options)
        del given["content_settings"]
        given |= {"source_etag": source.etag, "source_match_condition": MatchConditions.IfNotModified}
        blobs = self._clients.azure

        def begin() -> bool:
            with told(self.uri, if_absent=options.if_absent):
                answer = blobs.get_blob_client(target).start_copy_from_url(blobs.get_blob_client(source.key).url, **given)
            return answer["copy_status"] == "success"

        def ours() -> bool | None:
            return False if self._requests.head(target).mark == mark else None

        if not self._attempts.write(self.uri, begin, ours):
            self._wait_for_copy(target)

    def _wait_for_copy(self, target: str) -> None:
        for wait in itertools.chain((0.05, 0.1, 0.2, 0.5), itertools.repeat(1.0)):
            with told(self.uri):
                copying = self._clients.azure.get_blob_client(target).get_blob_properties().copy
            if copying.status == "success":
                return
            if copying.status != "pending":
                raise TransientError(f'the copy of "{target}" ended as {copying.status}', provider=self.uri)
            time.sleep(wait)

    def list(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> Iterator[Page]:
        """List Blobs, five thousand a page."""
        return self._lists.pages(prefix, shallow=shallow, after=after)

    def sign(self, key: str, method: Method, expires: float) -> str:
        """A URL with a shared access signature. Who does PUT by it sends the header `x-ms-blob-type: BlockBlob` as well."""
        self._check(key)
        self.capabilities.require("sign")
        if not expires >= 1:
            raise InvalidSpec(f"{self.uri}{key}: a URL is good for 1 second at least, not {expires:g}")
        now = datetime.now(UTC)
        until = now + timedelta(seconds=expires)
        with told(self.uri):
            delegation: dict[str, Any] = {"account_key": self._clients.key}
            if self._clients.key is None:
                delegation = {"user_delegation_key": self._clients.service.get_user_delegation_key(now, until)}
            token = generate_blob_sas(
                self._clients.account,
                self._container,
                key,
                permission=_PERMISSIONS[method],
                start=now - timedelta(minutes=5),
                expiry=until,
                **delegation,
            )
        return f"{self._clients.endpoint}/{quote(self._container)}/{quote(key, safe='~/')}?{token}"

    def tags(self, key: str) -> dict[str, str]:
        """Get Blob Tags."""
        self._check(key)

        def get() -> dict[str, str]:
            with told(self.uri):
                found = self._clients.azure.get_blob_client(key).get_blob_tags()
            if found is None:  # what the library makes of an answer without a body
                raise TransientError("no whole answer came", provider=self.uri, code="NoTags")
            return dict(found)

        return self._attempts(get)

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Set Blob Tags."""
        self._check(key)

        def put() -> None:
            with told(self.uri):
                self._clients.azure.get_blob_client(key).set_blob_tags(dict(tags))

        self._attempts(put)

    def close(self) -> None:
        """Let go of Azure's connections; obstore's go with it."""
        self._clients.service.close()
        self._clients.lists.close()

    def _plain(self, key: str) -> bool:
        self._check(key)
        return super()._plain(key)

    def _check(self, key: str) -> None:
        check_path(self.uri, key)
        if "\\" in key:
            raise InvalidSpec(f"{self.uri}{key} is no key here: Azure would make a slash of the backslash")
