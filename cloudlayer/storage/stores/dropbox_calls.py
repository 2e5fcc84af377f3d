"""Calls of Dropbox through its SDK, and what its errors mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

import dropbox  # type: ignore[import-untyped]
import requests
from dropbox import exceptions, files
from requests.adapters import HTTPAdapter

from cloudlayer.errors import (
    AlreadyExists,
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

_LOOKUP: Final[dict[str, type[CloudError]]] = {
    "not_found": NotFound,
    "not_file": NotFound,
    "not_folder": NotFound,
    "malformed_path": RejectedSpec,
    "restricted_content": PermissionDenied,
    "locked": Conflict,
}
_WRITE: Final[dict[str, type[CloudError]]] = {
    "malformed_path": RejectedSpec,
    "disallowed_name": RejectedSpec,
    "no_write_permission": PermissionDenied,
    "access_denied": PermissionDenied,
    "team_folder": PermissionDenied,
    "operation_suppressed": PermissionDenied,
    "too_many_write_operations": Throttled,
}
_PLAIN: Final[dict[str, type[CloudError]]] = {
    "content_hash_mismatch": IntegrityError,
    "payload_too_large": RejectedSpec,
    "too_many_write_operations": Throttled,
    "closed": NotFound,
}
_WRAPPERS: Final = ("path", "path_lookup", "path_write", "from_lookup", "from_write", "to", "lookup_failed")
Result = TypeVar("Result")


class Elsewhere(HTTPAdapter):
    """Sends what is for Dropbox to another address: a proxy, or a fake."""

    def __init__(self, endpoint: str, connections: int) -> None:
        super().__init__(pool_maxsize=connections)
        self._endpoint = urlsplit(endpoint)

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send it there."""
        asked = urlsplit(str(request.url))
        request.url = urlunsplit((self._endpoint.scheme, self._endpoint.netloc, asked.path, asked.query, ""))
        return super().send(request, *arguments, **options)


class Calls:
    """The SDK, whose own tries are off."""

    def __init__(self, uri: str, credentials: dict[str, str], endpoint: str | None, timeout: float) -> None:
        self.uri = uri
        session = dropbox.create_session(max_connections=32)
        if endpoint is not None:
            session.mount("https://", Elsewhere(endpoint, 32))
        self._session = session
        self._sdk = dropbox.Dropbox(
            **credentials, session=session, timeout=timeout, max_retries_on_error=0, max_retries_on_rate_limit=0
        )

    def __call__(self, call: Callable[[dropbox.Dropbox], Result]) -> Result:
        """What `call` gives, in one try."""
        try:
            return call(self._sdk)
        except (exceptions.DropboxException, requests.RequestException) as error:
            raise self._translated(error) from None

    def pieces(self, answer: requests.Response, size: int) -> Iterator[bytes]:
        """The body of an answer."""
        try:
            yield from answer.iter_content(size)
        except requests.RequestException as error:
            raise self._translated(error) from None

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def _translated(self, error: Exception) -> CloudError:
        request = str(getattr(error, "request_id", "") or "")
        if isinstance(error, requests.RequestException):
            told = "no answer in time" if isinstance(error, requests.Timeout) else "the connection broke or was refused"
            return TransientError(told, provider=self.uri, code=type(error).__name__)
        if isinstance(error, exceptions.RateLimitError):
            return Throttled("asked too often", retry_after=error.backoff, provider=self.uri, code="429", request_id=request)
        if isinstance(error, exceptions.ApiError):
            return _of_a_route(self.uri, error.error, request)
        kinds: tuple[tuple[type[Exception], type[CloudError], str], ...] = (
            (exceptions.AuthError, AuthError, "Dropbox does not take these credentials, or they have run out"),
            (exceptions.InternalServerError, TransientError, "Dropbox had an error of its own"),
            (exceptions.BadInputError, RejectedSpec, "Dropbox does not understand the request"),
        )
        for kind, meaning, told in kinds:
            if isinstance(error, kind):
                return meaning(told, provider=self.uri, code=kind.__name__, request_id=request)
        status = getattr(error, "status_code", 0)
        if status == 403:
            return PermissionDenied("the app may not do this", provider=self.uri, code="403", request_id=request)
        return UnknownCloudError(f"Dropbox answered {status}", provider=self.uri, code=str(status), request_id=request)


def _of_a_route(uri: str, error: Any, request: str) -> CloudError:
    tags = list(_tags(error))
    code = "/".join(tags)
    told = f"Dropbox says {code.replace('_', ' ')}"
    if "conflict" in tags:
        kind: type[CloudError] = AlreadyExists if tags[-1] == "file" else Conflict
        return kind(told, provider=uri, code=code, request_id=request)
    if "insufficient_space" in tags or "insufficient_quota" in tags:
        return QuotaError(told, name="space", provider=uri, code=code, request_id=request)
    looked_up = tags and tags[0] in {"path_lookup", "from_lookup", "lookup_failed"}
    table = {**_PLAIN, **_WRITE, **_LOOKUP} if looked_up else {**_PLAIN, **_LOOKUP, **_WRITE}
    kind = next((table[tag] for tag in reversed(tags) if tag in table), UnknownCloudError)
    return kind(told, provider=uri, code=code, request_id=request)


def _tags(error: Any) -> Iterator[str]:
    """The names of a union within a union within …, from the outside."""
    while error is not None and hasattr(error, "_tag"):
        yield error._tag
        error = error._value
        if isinstance(error, files.UploadWriteFailed):
            error = error.reason
