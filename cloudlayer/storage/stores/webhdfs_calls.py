"""Calls of WebHDFS: what goes to the NameNode, what goes on to a DataNode, and what their answers mean."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import urllib3
from pydantic import SecretStr
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as SlowError

from cloudlayer.errors import (
    AuthError,
    CloudError,
    PermissionDenied,
    Throttled,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.storage.store import Data
from cloudlayer.storage.stores.hdfs_errors import translate


class Calls:
    """Each method is one call, in one try. `who` is what tells the NameNode who asks; no error has it in it."""

    def __init__(self, uri: str, base: str, root: str, who: Mapping[str, SecretStr], bounds: urllib3.Timeout) -> None:
        self.uri = uri
        self._base = base
        self._root = root
        self._who = who
        self._pool = urllib3.PoolManager(num_pools=32, maxsize=64, timeout=bounds, retries=False)

    def path(self, key: str) -> str:
        """The path of a key; "" is that of the root."""
        return f"{self._root}{key}".rstrip("/") or "/"

    def json(self, method: str, key: str, operation: str, **asked: str) -> Any:
        """What the NameNode says."""
        answer = self._request(method, self._url(key, operation, asked))
        try:
            return json.loads(answer.data)
        except ValueError:
            raise UnknownCloudError(f"{operation}: the answer is no JSON", provider=self.uri) from None

    def done(self, method: str, key: str, operation: str, **asked: str) -> None:
        """As `json`, for what is answered by nothing."""
        self._request(method, self._url(key, operation, asked))

    def send(self, method: str, key: str, operation: str, body: Iterable[Data], size: int, **asked: str) -> None:
        """Send bytes to the DataNode that the NameNode names."""
        place = self._place(method, key, operation, asked)
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        self._request(method, place, body=iter(body), headers=headers)

    def stream(self, key: str, start: int, length: int) -> urllib3.HTTPResponse:
        """Bytes as they come from a DataNode."""
        place = self._place("GET", key, "OPEN", {"offset": str(start), "length": str(length)})
        return self._request("GET", place, preload_content=False)

    def pieces(self, answer: urllib3.HTTPResponse, size: int) -> Iterator[bytes]:
        """The body of such an answer."""
        try:
            yield from answer.stream(size)
        except HTTPError as error:
            raise self._broken(error) from None

    def close(self) -> None:
        """Let go of connections."""
        self._pool.clear()

    def _place(self, method: str, key: str, operation: str, asked: Mapping[str, str]) -> str:
        # told in the body, as it is: in a header Java composes letters and accents to other ones
        answer = self._request(method, self._url(key, operation, {**asked, "noredirect": "true"}))
        try:
            return str(answer.headers.get("Location") or json.loads(answer.data)["Location"])
        except (ValueError, KeyError):
            raise UnknownCloudError(f"{operation}: the NameNode names no DataNode", provider=self.uri) from None

    def _url(self, key: str, operation: str, asked: Mapping[str, str]) -> str:
        said = {"op": operation, **asked, **{name: value.get_secret_value() for name, value in self._who.items()}}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in said.items())
        return f"{self._base}/webhdfs/v1{quote(self.path(key), safe='/')}?{query}"

    def _request(self, method: str, url: str, **options: Any) -> urllib3.HTTPResponse:
        try:
            answer = self._pool.request(method, url, redirect=False, **options)
            if answer.status < 400:
                return answer  # type: ignore[return-value]
            data = answer.data
        except HTTPError as error:
            raise self._broken(error) from None
        raise self._refused(answer.status, answer.headers.get("Retry-After", ""), data)

    def _broken(self, error: HTTPError) -> CloudError:
        if isinstance(error, SlowError):
            return TransientError("no answer in time", provider=self.uri, code=type(error).__name__)
        return TransientError("the connection broke or was refused", provider=self.uri, code=type(error).__name__)

    def _refused(self, status: int, after: str, data: bytes) -> CloudError:
        try:
            told = json.loads(data)["RemoteException"]
            return translate(self.uri, told["javaClassName"], told["message"])
        except (ValueError, KeyError, TypeError):
            code = str(status)
        if status in (429, 503):
            wait = float(after) if after.isdigit() else None
            return Throttled("asked too often, or not ready", retry_after=wait, provider=self.uri, code=code)
        kind = {401: AuthError, 403: PermissionDenied}.get(status, TransientError if status >= 500 else UnknownCloudError)
        return kind(f"answered {status}", provider=self.uri, code=code)
