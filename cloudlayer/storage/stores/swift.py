"""swift://CONTAINER/KEY: objects of OpenStack Swift.

The login is TempAuth's (`auth_url`, `user`, `key`) or Keystone's, by a cloud of clouds.yaml (`cloud`). Swift compares the MD5
of what arrives; the CRC-32C of the whole is kept in the metadata. A large object is a manifest over segments.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import swiftclient  # type: ignore[import-untyped]
import urllib3
from pydantic import SecretStr
from swiftclient.utils import generate_temp_url  # type: ignore[import-untyped]
from urllib3.exceptions import HTTPError

from cloudlayer.errors import (
    Changed,
    CloudError,
    InvalidSpec,
    NotFound,
    TransientError,
)
from cloudlayer.specs import Duration, Size, Spec, checked
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.checksums import attach, crc32c, detach
from cloudlayer.storage.limits import check_key, check_put
from cloudlayer.storage.objects import PLAIN, ObjectInfo, Page, PutOptions, UploadInfo
from cloudlayer.storage.ranges import check, resolve
from cloudlayer.storage.readers import CheckedReader
from cloudlayer.storage.store import Data, Method, Reader, Store, Upload
from cloudlayer.storage.stores import swift_uploads
from cloudlayer.storage.stores.copying import of_one_version
from cloudlayer.storage.stores.deleting import each
from cloudlayer.storage.stores.parts import sized
from cloudlayer.storage.stores.retries import retried
from cloudlayer.storage.stores.swift_calls import Auth, Calls
from cloudlayer.storage.stores.swift_uploads import UPLOAD, SwiftUpload
from cloudlayer.units import MIB

_LACKS: Final = {
    "create_if_absent": "Swift looks before the bytes arrive: two writers at once may both be told that they are the first",
    "compare_and_swap": "Swift puts and deletes under no condition on an etag",
    "tags": "Swift has no tags",
}
_NO_KEY: Final = "give the account's key for temporary URLs as `temp_url_key`"
_META: Final = "X-Object-Meta-"
_PLAIN_TYPE: Final = "application/octet-stream"
_PIECE: Final = 1 * MIB
_PAGE: Final = 1000
_MOST_SEGMENTS: Final = 1000
_AT_ONCE: Final = 8


class Settings(Spec):
    """What may be set for an account of swift://. `cloud` stands for `auth_url`, `user` and `key`.

    `endpoint` is the account's URL, where it is not the one that the login tells. `part_size` is 32 MiB for streams, of which a
    thousand make an object; of a known size more are taken if need be.
    """

    auth_url: str | None = None
    user: str | None = None
    key: SecretStr | None = None
    cloud: str | None = None
    endpoint: str | None = None
    temp_url_key: SecretStr | None = None
    part_size: Size = 32 * MIB
    timeout: Duration = 60.0
    connect_timeout: Duration = 10.0


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """A container, which is there already."""
    made = checked(Settings, settings, f"stores.{account}")
    if not authority:
        raise InvalidSpec(f"{account}:/// has no container: write {account}://CONTAINER/KEY")
    uri = f"{account}://{authority}/"
    bounds = urllib3.Timeout(connect=made.connect_timeout, read=made.timeout)
    calls = Calls(uri, _auth(made, account), made.endpoint, bounds)
    return SwiftStore(calls, authority, made)


def _auth(made: Settings, account: str) -> Auth:
    if made.cloud is not None:
        return lambda: _by_keystone(str(made.cloud))
    if made.auth_url is None or made.user is None or made.key is None:
        raise InvalidSpec(f"stores.{account}: give auth_url, user and key, or the name of a cloud of clouds.yaml as cloud")
    url, user, key = made.auth_url, made.user, made.key
    return lambda: swiftclient.get_auth(url, user, key.get_secret_value(), timeout=made.timeout)


def _by_keystone(cloud: str) -> tuple[str, str]:
    from openstack.config import OpenStackConfig

    region = OpenStackConfig().get_one(cloud=cloud)
    options = {"region_name": region.get_region_name()}
    url, token = swiftclient.get_auth(None, None, None, session=region.get_session(), os_options=options)
    return url, token


class SwiftStore(Store):
    """One container, and the one beside it that has its segments."""

    def __init__(self, calls: Calls, container: str, settings: Settings) -> None:
        lacks = _LACKS if settings.temp_url_key else {**_LACKS, "sign": _NO_KEY}
        self.uri = calls.uri
        self.capabilities = declare(self.uri, **lacks)
        self.calls = calls
        self.container = container
        self.segments = f"{container}+segments"
        self._part_size = settings.part_size
        self._temp_url_key = settings.temp_url_key

    def get(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """By one request; what broke off is asked for anew."""
        return retried(lambda: b"".join(self._open(key, start, end, if_match)))

    def open(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> Reader:
        """By one request."""
        return retried(lambda: self._open(key, start, end, if_match))

    def _open(self, key: str, start: int | None, end: int | None, if_match: str | None) -> CheckedReader:
        check_key(self.uri, key)
        check(self.uri + key, start, end)
        if start is None and end is None:
            answer = self._answer(key, if_match, None)
            return self._reader(answer, _info(key, answer.headers), None)
        info = self.head(key)
        if if_match not in {None, info.etag}:
            raise self._changed(key)
        first, stop = resolve(self.uri + key, info.size, start, end)
        try:
            answer = self._answer(key, info.etag, f"bytes={first}-{stop - 1}")
        except Changed:
            if if_match is not None:
                raise
            raise TransientError(f"{key} was written over meanwhile", provider=self.uri) from None
        return self._reader(answer, info, stop - first)

    def _answer(self, key: str, etag: str | None, ranged: str | None) -> urllib3.BaseHTTPResponse:
        headers = {**({"If-Match": f'"{etag}"'} if etag else {}), **({"Range": ranged} if ranged else {})}
        try:
            return self.calls.request("GET", self.container, key, headers=headers, stream=True)
        except NotFound as error:
            raise self._not_there(key, error) from None
        except CloudError as error:
            raise (self._changed(key) if error.code == "412" else error) from None

    def _changed(self, key: str) -> Changed:
        return Changed(f"{key} is another one by now: its etag is not the one asked for", provider=self.uri)

    def _reader(self, answer: urllib3.BaseHTTPResponse, info: ObjectInfo, length: int | None) -> CheckedReader:
        def close() -> None:
            answer.close()
            answer.release_conn()

        expected = info.size if length is None else length
        pieces = self._pieces(answer)
        return CheckedReader(self.uri + info.key, info, pieces, expected=expected, whole=expected == info.size, close=close)

    def _pieces(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        try:
            yield from answer.stream(_PIECE)
        except HTTPError as error:
            raise self.calls.broken(error) from None

    def head(self, key: str) -> ObjectInfo:
        """By one request."""
        check_key(self.uri, key)
        return _info(key, self._headers(key))

    def _headers(self, key: str) -> Mapping[str, str]:
        try:
            return self.calls.again("HEAD", self.container, key).headers
        except NotFound as error:
            raise self._not_there(key, error) from None

    def put(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """By one request, whose MD5 Swift compares."""
        check_key(self.uri, key)
        check_put(self.uri, self.capabilities, options)
        view = memoryview(data).cast("B")
        about = ObjectInfo(key, len(view), None, None, options.content_type, options.metadata, crc32c(view))
        return self.put_body(about, view, md5=hashlib.md5(view, usedforsecurity=False).hexdigest())

    def put_body(
        self,
        about: ObjectInfo,
        body: Data,
        *,
        md5: str | None = None,
        query: str = "",
        extra: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Put an object or a manifest, and tell of it as `head` would."""
        kept = attach(about.metadata, about.crc32c or 0)
        about = replace(about, content_type=about.content_type or _PLAIN_TYPE)
        headers = {f"{_META}{name}": value for name, value in {**kept, **(extra or {})}.items()}
        headers |= {"Content-Type": str(about.content_type), **({"ETag": md5} if md5 else {})}
        answer = self.calls.again("PUT", self.container, about.key, query=query, headers=headers, body=body)
        etag, modified = answer.headers.get("Etag", "").strip('"'), answer.headers.get("Last-Modified")
        return replace(about, etag=etag, modified=_moment(modified))

    def upload(self, key: str, options: PutOptions = PLAIN, *, size: int | None = None, resume: str | None = None) -> Upload:
        """Segments, at most a thousand."""
        check_key(self.uri, key)
        check_put(self.uri, self.capabilities, options)
        part_size = sized(self._part_size, size, _MOST_SEGMENTS)
        return SwiftUpload(self, key, options, part_size, resume=resume)

    def uploads(self, prefix: str = "") -> Iterator[UploadInfo]:
        """Segments that no object has; those of objects that were written over too."""
        return swift_uploads.unfinished(self, prefix)

    def discard(self, upload: UploadInfo) -> None:
        """Delete the segments."""
        swift_uploads.discard(self, upload)

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Delete it, and its segments if it has some."""
        check_key(self.uri, key)
        if if_match is not None:
            self.capabilities.require("compare_and_swap")
        try:
            found = self.calls.again("HEAD", self.container, key).headers
        except NotFound:
            self._check_container()
            return
        with suppress(NotFound):
            self.calls.again("DELETE", self.container, key)
        if "X-Static-Large-Object" in found and (upload := found.get(f"{_META}{UPLOAD}")):
            swift_uploads.discard(self, UploadInfo(key, upload))

    def delete_many(self, keys: Sequence[str]) -> dict[str, Exception]:
        """Two requests a key, since one that deletes many leaves the segments; some at once."""
        return each(self.delete, keys, _AT_ONCE)

    def copy(self, key: str, target: str, options: PutOptions = PLAIN, *, if_match: str | None = None) -> ObjectInfo:
        """By the server, up to its largest size of an object (5 GiB unless it is set otherwise)."""
        check_key(self.uri, key)
        check_key(self.uri, target)
        check_put(self.uri, self.capabilities, options)
        return of_one_version(self, key, if_match, lambda source: self._copied(source, target, options))

    def _copied(self, source: ObjectInfo, target: str, options: PutOptions) -> ObjectInfo:
        """The source's sum goes with it: Swift holds a copy to the condition of a get of the source."""
        if source.key == target:
            return source
        metadata = options.metadata or source.metadata
        kept = dict(metadata) if source.crc32c is None else attach(metadata, source.crc32c)
        headers = {f"{_META}{name}": value for name, value in kept.items()}
        headers |= {"Content-Type": options.content_type or source.content_type or _PLAIN_TYPE, "X-Fresh-Metadata": "true"}
        headers |= {"X-Copy-From": f"/{quote(self.container)}/{quote(source.key, safe='')}", "Content-Length": "0"}
        headers["If-Match"] = f'"{source.etag}"'
        try:
            self.calls.again("PUT", self.container, target, headers=headers, body=b"")
        except CloudError as error:
            raise (self._changed(source.key) if error.code == "412" else error) from None
        return self.head(target)

    def list(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> Iterator[Page]:
        """Pages of a thousand."""
        marker = after
        while True:
            asked = {"format": "json", "prefix": prefix, "marker": marker, "limit": str(_PAGE)}
            query = urlencode({**asked, **({"delimiter": "/"} if shallow else {})}, quote_via=quote, safe="")
            items = retried(lambda query=query: self._items(query))  # type: ignore[misc]
            if not items:
                return
            objects = tuple(_listed(item) for item in items if "subdir" not in item)
            yield Page(objects, tuple(item["subdir"] for item in items if "subdir" in item))
            marker = items[-1].get("subdir") or items[-1]["name"]

    def _items(self, query: str) -> Sequence[Mapping[str, Any]]:
        """A page; one that came from somebody else, such as a proxy, is no empty list."""
        data = self.calls.request("GET", self.container, query=query).data
        try:
            items = json.loads(data or b"[]")
        except ValueError:
            items = None
        if not isinstance(items, list):
            raise TransientError("what came is no list", provider=self.uri, code="NoList")
        return items

    def sign(self, key: str, method: Method, expires: float) -> str:
        """A temporary URL of the account's key."""
        check_key(self.uri, key)
        if self._temp_url_key is None:
            raise self.lacks("sign")
        if expires <= 0:
            raise InvalidSpec(f"{self.uri}{key}: a URL of Swift is good for 1 second or longer, not {expires:g} seconds")
        place = urlsplit(self.calls.login()[0])
        path = f"{place.path}/{self.container}/{key}"
        secret = self._temp_url_key.get_secret_value()
        signed = str(generate_temp_url(path, math.ceil(expires), secret, method))
        query = signed.removeprefix(path).removeprefix("?")
        return str(urlunsplit((place.scheme, place.netloc, quote(path), query, "")))

    def tags(self, key: str) -> dict[str, str]:
        """Unsupported."""
        raise self.lacks("tags")

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Unsupported."""
        raise self.lacks("tags")

    def close(self) -> None:
        """Let go of connections."""
        self.calls.close()

    def _not_there(self, key: str, error: NotFound) -> NotFound:
        return NotFound(f"{key} is not there", provider=self.uri, code=error.code, request_id=error.request_id)

    def _check_container(self) -> None:
        self.calls.again("HEAD", self.container)


def _info(key: str, headers: Mapping[str, str]) -> ObjectInfo:
    names = ((name, name.lower().removeprefix(_META.lower())) for name in headers if name.lower().startswith(_META.lower()))
    users, total = detach({short: headers[name] for name, short in names})
    users.pop(UPLOAD, None)
    return ObjectInfo(
        key,
        int(headers.get("Content-Length", "0")),
        headers.get("Etag", "").strip('"'),
        _moment(headers.get("Last-Modified")),
        headers.get("Content-Type"),
        users,
        total,
    )


def _moment(text: str | None) -> datetime | None:
    """The time of a header; None for one that broke off."""
    try:
        return parsedate_to_datetime(text or "")
    except ValueError:
        return None


def _listed(item: Mapping[str, Any]) -> ObjectInfo:
    modified = datetime.fromisoformat(item["last_modified"]).replace(tzinfo=UTC)
    if modified.microsecond:  # as `head` tells it: in whole seconds, rounded up
        modified = modified.replace(microsecond=0) + timedelta(seconds=1)
    return ObjectInfo(item["name"], item["bytes"], item.get("slo_etag", item["hash"]).strip('"'), modified)
