"""The connection to the Docker Engine: time limits, and its errors in our words."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException

from cloudlayer.errors import CloudLayerError, Conflict, EngineError, NotFound, TransientError, Unsupported
from cloudlayer.interfaces import Deadline, Host
from cloudlayer.runtime.hosts.local import LocalHost

DEFAULT_HOST: Final = "unix:///var/run/docker.sock"
_THERE: Final = "unix:/run/docker.sock"
_LONGEST: Final = 600.0
_LONGEST_CALL: Final = 60.0
_CONNECTIONS: Final = 64
_FRACTION: Final = re.compile(r"\.\d+")
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
    """One Docker Engine, at `place` of the machine `host`. `client` is the SDK's; every call of it goes through `call`, `read`
    or `stream`.

    They raise NotFound (404), Conflict (409), TransientError (no answer, no time) or EngineError.
    """

    def __init__(self, client: Any, place: str, host: Host) -> None:
        self.client = client
        self.host = host
        self.place = place

    @classmethod
    def connect(cls, host: Host | None = None) -> Daemon:
        """The engine of a machine; that of this one by DOCKER_HOST, or at the default socket.

        Unsupported, with the mend, if none answers; TransientError if the machine cannot be reached.
        """
        host = host or LocalHost()
        if not host.is_here:
            return cls._of_another(host)
        place = os.environ.get("DOCKER_HOST") or DEFAULT_HOST
        if not place.startswith("unix://"):
            reason = (
                f"DOCKER_HOST is {place}, but replicas are reached at their own addresses: name a socket of this host, unix://…"
            )
            raise Unsupported(reason, code="docker_host")
        try:
            return cls(_client(place), place, host)
        except DockerException as error:
            raise Unsupported(f"no Docker Engine answers at {place}: {_mend(place)}", code="docker_unreachable") from error

    @classmethod
    def _of_another(cls, host: Host) -> Daemon:
        try:
            return cls(_client(host.forward(_THERE).replace("unix:", "unix://", 1)), host.name, host)
        except DockerException as error:
            if host.accepts(_THERE):
                mend = "may the user that we are there use it? Add that user to the group docker"
            else:
                mend = "install and start Docker there"
            raise Unsupported(f"no Docker Engine answers on {host.name}: {mend}", code="docker_unreachable") from error

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
        """TransientError if this thread's time is up, or the machine is cut off."""
        if not self.host.connected:
            raise TransientError(f"{self.host.name} cannot be reached while {doing}", code="unreachable")
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

    def read(self, doing: str, method: Callable[..., Iterable[bytes]], *arguments: Any, **options: Any) -> Iterator[bytes]:
        """The bytes that a long call sends on its way."""
        self.check(doing)
        with self._translated(doing):
            for chunk in method(*arguments, **options):
                yield chunk
                self.check(doing)

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except APIError as error:
            raise _translated(error, doing) from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            self.check(doing)
            mend = _mend(self.place) if self.host.is_here else "is the machine well? See its engine's log"
            reason = f"the Docker Engine of {self.place} did not answer while {doing}: {mend}"
            raise TransientError(reason, code="docker_unreachable") from error

    def now(self) -> float:
        """Seconds since 1970 by the engine's clock, which is not ours on another machine."""
        if self.host.is_here:
            return time.time()
        return datetime.fromisoformat(self.call("asking for the time", self.client.info)["SystemTime"]).timestamp()

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()


def seconds(timestamp: str) -> float:
    """Seconds since 1970 of one of the engine's times, to the second."""
    return datetime.fromisoformat(_FRACTION.sub("", timestamp)).timestamp()


def one_line(text: object) -> str:
    """An engine's message without its line breaks."""
    return " ".join(str(text).split())


def _client(place: str) -> Any:
    return _Client(base_url=place, version="auto", timeout=_LONGEST_CALL, max_pool_size=_CONNECTIONS)


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
