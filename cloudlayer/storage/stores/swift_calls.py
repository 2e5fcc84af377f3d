"""Requests to Swift with a token that is fetched when one is needed, and what refusals mean."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

import requests
import swiftclient  # type: ignore[import-untyped]
import urllib3
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as SlowError

from cloudlayer.errors import (
    AuthError,
    CloudError,
    Conflict,
    IntegrityError,
    NotFound,
    PermissionDenied,
    QuotaError,
    RejectedSpec,
    Throttled,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.storage.stores.retries import retried

Auth = Callable[[], tuple[str, str]]
"""Gives the storage URL and a token."""
_ERRORS: Final[Mapping[int, type[CloudError]]] = {
    400: RejectedSpec,
    401: AuthError,
    403: PermissionDenied,
    404: NotFound,
    408: TransientError,
    409: Conflict,
    412: RejectedSpec,
    422: IntegrityError,
}
_LONGEST_REASON: Final = 200
_THROTTLED: Final = frozenset({429, 498, 503})


_LAST: Final = "X-Trans-Id"
"""The header that Swift writes after all that it says of an object: an answer without it has lost some of these."""


class Calls:
    """Requests in one account. `endpoint` is where the account is reached, if not where the login says."""

    def __init__(self, uri: str, auth: Auth, endpoint: str | None, bounds: urllib3.Timeout) -> None:
        self.uri = uri
        self._auth = auth
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._known: tuple[str, str] | None = None
        self._pool = urllib3.PoolManager(num_pools=4, maxsize=64, timeout=bounds, retries=False)

    def request(
        self,
        method: str,
        container: str,
        name: str | None = None,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """One request, in one try; a token that has run out is renewed. Refusals are errors."""
        url, token = self.login()
        path = f"{_quoted(container)}{'' if name is None else f'/{_quoted(name)}'}"
        place = f"{url}/{path}{f'?{query}' if query else ''}"
        options = {"body": body, "preload_content": not stream}
        answer = self._send(method, place, {**(headers or {}), "X-Auth-Token": token}, options)
        if answer.status == 401:
            self._forget(token)
            answer = self._send(method, place, {**(headers or {}), "X-Auth-Token": self.login()[1]}, options)
        if answer.status >= 400:
            raise self._refused(answer)
        if _LAST not in answer.headers:
            answer.close()
            raise TransientError("the answer broke off amid its headers", provider=self.uri, code="Truncated")
        return answer

    def again(self, method: str, container: str, name: str | None = None, **options: Any) -> urllib3.BaseHTTPResponse:
        """As `request`, tried again: for what does no harm twice."""
        return retried(lambda: self.request(method, container, name, **options))

    def login(self) -> tuple[str, str]:
        """The account's URL and a token, of which one is fetched for all threads."""
        with self._lock:
            if self._known is None:
                url, token = retried(self._logged_in)
                self._known = self._moved(url), token
            return self._known

    def broken(self, error: Exception) -> CloudError:
        """The error for a connection that failed."""
        told = "no answer in time" if isinstance(error, SlowError) else "the connection broke or was refused"
        return TransientError(told, provider=self.uri, code=type(error).__name__)

    def close(self) -> None:
        """Let go of connections."""
        self._pool.clear()

    def _send(
        self, method: str, place: str, headers: Mapping[str, str], options: Mapping[str, Any]
    ) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, place, headers=headers, redirect=False, **options)
        except HTTPError as error:
            raise self.broken(error) from None

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._known is not None and self._known[1] == token:
                self._known = None

    def _logged_in(self) -> tuple[str, str]:
        try:
            return self._auth()
        except swiftclient.ClientException as error:
            status = error.http_status or 0
            kind = TransientError if status >= 500 else AuthError
            raise kind("Swift lets nobody in with these credentials", provider=self.uri, code=str(status)) from None
        except requests.RequestException as error:
            raise self.broken(error) from None

    def _moved(self, url: str) -> str:
        if self._endpoint is None:
            return url.rstrip("/")
        given = urlsplit(self._endpoint)
        path = given.path.rstrip("/") or urlsplit(url).path.rstrip("/")
        return urlunsplit((given.scheme, given.netloc, path, "", ""))

    def _refused(self, answer: urllib3.BaseHTTPResponse) -> CloudError:
        try:
            said = answer.data.decode(errors="replace").partition("\n")[0][:_LONGEST_REASON]
        except HTTPError:
            answer.close()
            said = ""
        status, request = answer.status, answer.headers.get("X-Trans-Id", "")
        told = f"Swift answered {status} {answer.reason or ''}".strip()
        if status == 400 and said and not said.startswith("<"):  # why, such as metadata that are too long
            told += f": {said}"
        if status in _THROTTLED:
            after = answer.headers.get("Retry-After", "")
            wait = float(after) if after.isdigit() else None
            return Throttled(told, retry_after=wait, provider=self.uri, code=str(status), request_id=request)
        if status in {413, 507}:
            told += ": a quota, or the largest size of an object"
            return QuotaError(told, name="bytes", provider=self.uri, code=str(status), request_id=request)
        kind = _ERRORS.get(status, TransientError if status >= 500 else UnknownCloudError)
        return kind(told, provider=self.uri, code=str(status), request_id=request)


def _quoted(name: str) -> str:
    """As it stands in a URL. A segment of dots alone would be taken for a step up by whoever reads the URL."""
    segments = (quote(segment, safe="") for segment in name.split("/"))
    return "/".join(segment.replace(".", "%2E") if segment in {".", ".."} else segment for segment in segments)
