"""The verbs of http:// and https://: those that read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Final

from cloudlayer.errors import AuthError, PermissionDenied, UnknownCloudError, Unsupported
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.objects import PLAIN, ObjectInfo, Page, PutOptions, UploadInfo
from cloudlayer.storage.store import Data, Method, Reader, Store, Upload
from cloudlayer.storage.stores.http.reading import Asked, known, opened, ranged, told
from cloudlayer.storage.stores.http.requests import Requests
from cloudlayer.storage.stores.retries import retried

_READ_ONLY: Final = "the web has no way to write that servers agree on: copy to a store"
_NO_LIST: Final = "the web has no lists: name each object"
MISSING: Final = {
    **dict.fromkeys(
        (
            "put",
            "atomic_put",
            "create_if_absent",
            "compare_and_swap",
            "checked_put",
            "metadata",
            "content_type",
            "tags",
            "server_copy",
            "resume",
            "parallel_parts",
            "uploads",
        ),
        _READ_ONLY,
    ),
    **dict.fromkeys(("list", "ordered_list", "list_after"), _NO_LIST),
    "checked_get": "servers tell no checksum: of what arrives the length is checked, where the server tells it",
    "sign": "a URL of the web is what it is",
    "any_key": 'a key is what a URL has after its host: no "#", and no part that is "." or ".."',
}
_HEAD_REFUSED: Final = (AuthError, PermissionDenied, UnknownCloudError, Unsupported)
"""What servers that allow a GET say to a HEAD: that the verb is wrong, or that this signature is for the other one."""


class HttpStore(Store):
    """What one web server gives."""

    def __init__(self, uri: str, requests: Requests) -> None:
        self.uri = uri
        self.capabilities = declare(uri, **MISSING)
        self._requests = requests

    def get(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """The bytes, of a length that the server tells; what broke off is gone on with, or begun anew."""
        asked = Asked(self._requests, key, start, end, if_match)

        def read() -> bytes:
            with closing(opened(asked)) as reader:
                return b"".join(reader)

        return retried(read)

    def open(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> Reader:
        """The bytes as they arrive. A connection that breaks is made anew while the server's etag says: the same object."""
        asked = Asked(self._requests, key, start, end, if_match)
        return retried(lambda: opened(asked))

    def reads_ranges(self, key: str) -> bool:
        """Whether the server, asked for the first byte, sends that alone."""
        return retried(lambda: ranged(Asked(self._requests, key)))

    def head(self, key: str) -> ObjectInfo:
        """What the server says of it. One that knows no HEAD, or tells no size then, is asked for the first byte."""
        return retried(lambda: self._head(key))

    def _head(self, key: str) -> ObjectInfo:
        with suppress(*_HEAD_REFUSED):
            answer = self._requests.ask("HEAD", key, {})
            answer.drain_conn()
            answer.release_conn()
            length = answer.headers.get("Content-Length", "")
            if answer.status == 200 and length.isdecimal() and "Content-Encoding" not in answer.headers:
                return told(key, answer, int(length))
        return known(Asked(self._requests, key))

    def put(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """Unsupported."""
        raise self.lacks("put")

    def upload(self, key: str, options: PutOptions = PLAIN, *, size: int | None = None, resume: str | None = None) -> Upload:
        """Unsupported."""
        raise self.lacks("put")

    def uploads(self, prefix: str = "") -> Iterator[UploadInfo]:
        """Unsupported."""
        raise self.lacks("uploads")

    def discard(self, upload: UploadInfo) -> None:
        """Unsupported."""
        raise self.lacks("uploads")

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Unsupported."""
        raise self.lacks("put")

    def delete_many(self, keys: Sequence[str]) -> dict[str, Exception]:
        """Unsupported."""
        raise self.lacks("put")

    def copy(self, key: str, target: str, options: PutOptions = PLAIN, *, if_match: str | None = None) -> ObjectInfo:
        """Unsupported."""
        raise self.lacks("put")

    def list(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> Iterator[Page]:
        """Unsupported."""
        raise self.lacks("list")

    def sign(self, key: str, method: Method, expires: float) -> str:
        """Unsupported."""
        raise self.lacks("sign")

    def tags(self, key: str) -> dict[str, str]:
        """Unsupported."""
        raise self.lacks("tags")

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Unsupported."""
        raise self.lacks("tags")

    def close(self) -> None:
        """Let go of connections."""
        self._requests.close()
