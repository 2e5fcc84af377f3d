"""Requests to a web server: redirects that take no secret along, and answers as errors of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from pydantic import Field, SecretStr
from urllib3.exceptions import HTTPError, LocationParseError, SSLError
from urllib3.response import BaseHTTPResponse

from cloudlayer.errors import (
    AuthError,
    Changed,
    CloudError,
    InvalidSpec,
    NotFound,
    PermissionDenied,
    Throttled,
    TransientError,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.specs import Duration, Spec
from cloudlayer.storage.limits import check_key

_PLAIN: Final = {"Accept-Encoding": "identity", "User-Agent": "cloudlayer"}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 10
_MOST_DRAINED: Final = 64 * 1024
_IN_URLS: Final = "/%?&=+$,;:@!*'()~-._[]"
_LONE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ERRORS: Final[Mapping[int, type[CloudError]]] = {
    401: AuthError,
    403: PermissionDenied,
    404: NotFound,
    407: AuthError,
    408: TransientError,
    410: NotFound,
    412: Changed,
    451: PermissionDenied,
    500: TransientError,
    502: TransientError,
    503: TransientError,
    504: TransientError,
}


class Settings(Spec):
    """What may be set for an account of http:// or https://; `headers` go with each request, to this host alone."""

    headers: dict[str, SecretStr] = Field(default_factory=dict)
    timeout: Duration = 60.0
    connect_timeout: Duration = 10.0


class Requests:
    """Asks one server. `base` is the URL before the keys."""

    def __init__(self, uri: str, base: str, settings: Settings) -> None:
        self.uri = uri
        self._base = base
        self._headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        timeout = urllib3.Timeout(connect=settings.connect_timeout, read=settings.timeout)
        self._pool = _pool(base, timeout)

    def ask(self, method: str, key: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """The answer, its body still to be read, whatever its status below 400 is; and 416, which tells of a range."""
        url, secrets = self.url(key), self._headers
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._once(method, url, key, {**_PLAIN, **secrets, **headers})
            target = answer.headers.get("Location") if answer.status in _REDIRECTS else None
            if target is None:
                return self._checked(answer, key)
            let_go(answer)
            url = urljoin(url, target)
            if urlsplit(url).scheme not in {"http", "https"}:
                raise self.error(UnknownCloudError, key, "the server leads to what is no URL of the web", answer.status)
            if _origin(url) != _origin(self._base):
                secrets = {}
        raise self.error(UnknownCloudError, key, f"the server leads on more than {_MOST_REDIRECTS} times", 310)

    def url(self, key: str) -> str:
        """The URL of a key; InvalidSpec for one that a server would take for another."""
        path, asks, _ = key.partition("?")
        check_key(self.uri, path or asks)  # a signature in the query may be longer than a key
        if "#" in key:
            raise InvalidSpec(
                f"{self.uri}{path} has a # in it: write %23 if it is part of the name, and nothing from there on if not"
            )
        if not {".", ".."}.isdisjoint(path.split("/")):
            raise InvalidSpec(f'{self.uri}{path} is no key here: no part between slashes may be "." or ".."')
        try:
            return self._base + quote(_LONE_PERCENT.sub("%25", key), safe=_IN_URLS)
        except UnicodeEncodeError:
            raise InvalidSpec(f"{self.uri}{path} has half a character in its query, which no URL can have") from None

    def error(self, kind: type[CloudError], key: str, what: str, status: int | str = "") -> CloudError:
        """An error of a key, without its query, which may be a signature."""
        return kind(f"{key.partition('?')[0]}: {what}", provider=self.uri, code=str(status))

    def broken(self, key: str, error: HTTPError) -> CloudError:
        """The error for a connection that could not be made, or broke off."""
        if isinstance(error, SSLError):
            return self.error(UnknownCloudError, key, f"the server is not who it says, or speaks no TLS: {error}", "TLS")
        return self.error(TransientError, key, f"the connection broke off or was never made ({type(error).__name__})")

    def close(self) -> None:
        """Let go of connections."""
        self._pool.clear()

    def _once(self, method: str, url: str, key: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        try:
            return self._pool.request(method, url, headers=headers, redirect=False, retries=False, preload_content=False)
        except LocationParseError:
            raise InvalidSpec(f"{self.uri} names no host that a URL could have") from None
        except HTTPError as error:
            raise self.broken(key, error) from None

    def _checked(self, answer: BaseHTTPResponse, key: str) -> BaseHTTPResponse:
        if answer.status in {200, 203, 206, 416}:
            return answer
        let_go(answer)
        wait = _seconds(answer.headers.get("Retry-After"))
        if answer.status == 429 or (answer.status == 503 and wait is not None):
            message = f"{key.partition('?')[0]}: the server is asked too often"
            raise Throttled(message, retry_after=wait, provider=self.uri, code=str(answer.status))
        kind = _ERRORS.get(answer.status, Unsupported if answer.status in {405, 501} else UnknownCloudError)
        if kind is Unsupported:
            raise Unsupported("the server does not know this verb", provider=self.uri, code=str(answer.status))
        raise self.error(kind, key, _REASONS.get(kind, answer.reason or "the server refused"), answer.status)


_REASONS: Final[Mapping[type[CloudError], str]] = {
    NotFound: "is not there",
    Changed: "is another one by now",
    AuthError: "the server wants a credential: put its header into the configuration file",
}


def let_go(answer: BaseHTTPResponse) -> None:
    """Give the connection back to be used again, or close it where too much of the body is unread."""
    if int(answer.headers.get("Content-Length") or _MOST_DRAINED + 1) <= _MOST_DRAINED:
        answer.drain_conn()
        answer.release_conn()
    else:
        answer.close()


def time_of(answer: BaseHTTPResponse) -> datetime | None:
    """When the object was written, as the server says."""
    try:
        return parsedate_to_datetime(answer.headers["Last-Modified"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None


def _seconds(retry_after: str | None) -> float | None:
    """The header Retry-After: seconds, or a date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max((parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    split = urlsplit(url)
    return split.scheme, split.hostname, split.port or {"http": 80, "https": 443}.get(split.scheme)


def _pool(base: str, timeout: urllib3.Timeout) -> urllib3.PoolManager:
    """Connections, by way of the proxy that the environment names for this host, if it does."""
    split = urlsplit(base)
    proxy = getproxies().get(split.scheme)
    if proxy and split.hostname and not proxy_bypass(split.hostname):
        return urllib3.ProxyManager(proxy, timeout=timeout, maxsize=16)
    return urllib3.PoolManager(timeout=timeout, maxsize=16)
