"""The connection to the Docker Engine: time limits, and its errors in our words."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException

from cloudlayer.errors import CloudLayerError, Conflict, EngineError, NotFound, TransientError, Unsupported
from cloudlayer.interfaces import Deadline

DEFAULT_HOST: Final = "unix:///var/run/docker.sock"
_LONGEST: Final = 600.0
_LONGEST_CALL: Final = 60.0
_CONNECTIONS: Final = 64
_PASSING: Final = frozenset({408, 429, 502, 503, 504})

Result = TypeVar("Result")


class _Client(docker.APIClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client, with each request bound by the deadline of the calling thread."""

    limits = threading.local()

    def _set_request_timeout(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        deadline: Deadline | None = getattr(self.limits, "deadline", None)
        if deadline is not None:
            # A request that has begun gets a moment at least: what it did would be unknown otherwise.
            kwargs["timeout"] = min(kwargs.get("timeout") or self.timeout, max(0.1, deadline.remaining()))
        kwargs.setdefault("timeout", self.timeout)
        return kwargs


class Daemon:
    """One Docker Engine. `client` is the SDK's; every call to it goes through `call` or `stream`.

    Both raise NotFound (404), Conflict (409), TransientError (no answer, no time) or EngineError.
    """

    def __init__(self, client: Any, host: str) -> None:
        self.client = client
        self.host = host

    @classmethod
    def connect(cls) -> Daemon:
        """The engine of DOCKER_HOST, or of the default socket. Unsupported, with the mend, if none answers."""
        host = os.environ.get("DOCKER_HOST") or DEFAULT_HOST
        if not host.startswith("unix://"):
            reason = (
                f"DOCKER_HOST is {host}, but replicas are reached at their own addresses: name a socket of this host, unix://…"
            )
            raise Unsupported(reason, code="docker_host")
        try:
            return cls(_Client(base_url=host, version="auto", timeout=_LONGEST_CALL, max_pool_size=_CONNECTIONS), host)
        except DockerException as error:
            raise Unsupported(f"no Docker Engine answers at {host}: {_mend(host)}", code="docker_unreachable") from error

    @contextmanager
    def until(self, deadline: Deadline | None) -> Iterator[None]:
        """All that this thread asks within ends by `deadline`, or in ten minutes. NotFound and Conflict end as EngineError."""
        limits = self.client.limits
        before = getattr(limits, "deadline", None)
        limits.deadline = deadline or before or Deadline.after(_LONGEST)
        try:
            yield
        except (NotFound, Conflict) as error:
            raise EngineError(str(error)) from error
        finally:
            limits.deadline = before

    def check(self, doing: str) -> None:
        """TransientError if this thread's time is up."""
        deadline: Deadline | None = getattr(self.client.limits, "deadline", None)
        if deadline is not None:
            deadline.check(doing)

    def call(self, doing: str, method: Callable[..., Result], *arguments: Any, **options: Any) -> Result:
        """The answer of one method of `client`; `doing` is for messages, such as "starting a container"."""
        self.check(doing)
        with self._translated(doing):
            return method(*arguments, **options)

    def stream(
        self, doing: str, method: Callable[..., Iterable[Any]], *arguments: Any, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """The documents that a long call sends on its way. A document with an error raises EngineError with its text."""
        self.check(doing)
        with self._translated(doing):
            for document in method(*arguments, decode=True, **options):
                if "error" in document:
                    raise EngineError(one_line(document["error"]))
                yield document
                self.check(doing)

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except APIError as error:
            raise _translated(error, doing) from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            self.check(doing)
            reason = f"the Docker Engine at {self.host} did not answer while {doing}: {_mend(self.host)}"
            raise TransientError(reason, code="docker_unreachable") from error

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()


def one_line(text: object) -> str:
    """An engine's message without its line breaks."""
    return " ".join(str(text).split())


def _translated(error: APIError, doing: str) -> CloudLayerError:
    status = error.status_code or 0
    reason = f"{doing}: {one_line(error.explanation or error)}"
    if status == 404:
        return NotFound(reason, provider="docker", code="404")
    if status == 409:
        return Conflict(reason, provider="docker", code="409")
    if status in _PASSING:
        return TransientError(reason, provider="docker", code=str(status))
    return EngineError(f"docker: {reason}")


def _mend(host: str) -> str:
    path = host.removeprefix("unix://")
    if not os.path.exists(path):  # noqa: PTH110  (a Path would raise where the folder may not be read)
        return "install and start Docker, or set DOCKER_HOST to the socket of the one that runs"
    if not os.access(path, os.W_OK):
        return f"this user may not use {path}: run as root, or as a member of the group docker"
    return "is it running? See its log"
