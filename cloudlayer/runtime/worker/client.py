"""Calls other functions of the fleet, from inside a function, in the way of the Algorithmia client.

    import cloudlayer_client
    answer = cloudlayer_client.client().algo("nlp/SentimentAnalysis/1.0.4").pipe({"document": "I like it"})
    answer.result, answer.metadata.duration

The gateway's address and this function's own token come from the environment. The request id and the deadline of the call
being served go along. It blocks: in an `async def apply`, run it by `asyncio.to_thread`.
"""

from __future__ import annotations

import base64
import contextvars
import json
import math
import os
import re
import select
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import http.client

_REFERENCE = re.compile(r"(?:algo://|/|)(\w+/.+)")
_LONGEST = 3000.0


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """The call being served: its request id, and when it must have ended, in seconds since 1970. No two are equal."""

    request_id: str = ""
    deadline: float | None = None


NO_CALL = Call()
"""What threads serve that no call began."""
current: contextvars.ContextVar[Call] = contextvars.ContextVar("cloudlayer_call", default=NO_CALL)


class AlgorithmException(Exception):
    """The called function, or the way to it, failed."""

    def __init__(self, message: str, stack_trace: str | None = None, error_type: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.stack_trace = stack_trace
        self.error_type = error_type


@dataclass(frozen=True, slots=True)
class Metadata:
    """What came with a result: "json", "text" or "binary", and seconds that the call took."""

    content_type: str
    duration: float


@dataclass(frozen=True, slots=True)
class Response:
    """A result: a JSON value, str or bytes."""

    result: Any
    metadata: Metadata


@dataclass(slots=True)
class Algorithm:
    """One function, by reference."""

    client: Client
    path: str
    timeout: float | None = None

    def set_options(self, timeout: float | None = None) -> Algorithm:
        """Give a call at most `timeout` seconds."""
        self.timeout = timeout
        return self

    def pipe(self, input: Any) -> Response:
        """Call the function. Raises AlgorithmException."""
        return self.client.call(self.path, input, self.timeout)


@dataclass(slots=True)
class Client:
    """A gateway, by address and token."""

    key: str = field(repr=False)
    address: str
    unix_socket: str | None = None
    _connections: threading.local = field(default_factory=threading.local, repr=False)

    def algo(self, reference: str) -> Algorithm:
        """The function of a reference such as "nlp/Sentences/0.1.0" or "nlp/Sentences"."""
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise ValueError(f"{reference!r} names no function: write namespace/Name or namespace/Name/version")
        return Algorithm(self, match.group(1))

    def call(self, path: str, input: Any, timeout: float | None = None) -> Response:
        """POST the input to the function of that path, and unpack the answer."""
        call, limit = current.get(), self._limit(timeout)
        content_type, body = _encode(input)
        headers = {"Authorization": self.key, "Content-Type": content_type, "X-Deadline": f"{time.time() + limit:.3f}"}
        if call.request_id:
            headers["X-Request-Id"] = call.request_id
        prefix = urlsplit(self.address).path.rstrip("/")
        target = f"{prefix}/v1/algo/{path}?timeout={math.ceil(limit)}"
        return _unpack(*self._exchange(target, body, headers, limit))

    def _limit(self, timeout: float | None) -> float:
        deadline = current.get().deadline
        left = math.inf if deadline is None else deadline - time.time()
        if left <= 0:
            raise AlgorithmException("no time is left for another call", error_type="TimeoutError")
        return min(left, timeout or _LONGEST, _LONGEST)

    def _exchange(self, target: str, body: bytes, headers: dict[str, str], limit: float) -> tuple[int, bytes]:
        import http.client

        connection = self._connection(limit)
        try:
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            kind = "TimeoutError" if isinstance(error, TimeoutError) else "AlgorithmError"
            what = str(error) or type(error).__name__
            raise AlgorithmException(f"the gateway did not answer: {what}", error_type=kind) from error

    def _connection(self, limit: float) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._connections, "connection", None)
        # A kept connection on which something waits to be read was closed by the gateway.
        if connection is None or connection.sock is None or select.select([connection.sock], [], [], 0)[0]:
            if connection is not None:
                connection.close()
            connection = self._connections.connection = self._connect(limit)
        connection.sock.settimeout(limit + 1.0)
        return connection

    def _connect(self, limit: float) -> http.client.HTTPConnection:
        import http.client

        url = urlsplit(self.address)
        secure = url.scheme == "https" and not self.unix_socket
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(url.hostname or "localhost", url.port, timeout=limit)
        try:
            if self.unix_socket:
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.settimeout(limit)
                connection.sock.connect(self.unix_socket)
            else:
                connection.connect()
                connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise AlgorithmException(f"the gateway cannot be reached: {error}", error_type="AlgorithmError") from error
        return connection


def client(key: str | None = None, address: str | None = None) -> Client:
    """The gateway of this fleet; `key` and `address` are this function's own unless given."""
    environment = os.environ
    if key is None and address is None:
        if not _default:
            found = environment.get("CLOUDLAYER_URL")
            if not found:
                raise AlgorithmException("this function may call no other: name those it calls in `calls` of its manifest")
            unix_socket = environment.get("CLOUDLAYER_GATEWAY_SOCKET")
            _default.append(Client(environment.get("CLOUDLAYER_TOKEN", ""), found, unix_socket))
        return _default[0]
    return Client(key or environment.get("CLOUDLAYER_TOKEN", ""), address or environment.get("CLOUDLAYER_URL", ""))


_default: list[Client] = []


def _encode(input: Any) -> tuple[str, bytes]:
    if isinstance(input, str):
        return "text/plain", input.encode()
    if isinstance(input, bytes | bytearray):
        return "application/octet-stream", bytes(input)
    return "application/json", json.dumps(input).encode()


def _unpack(status: int, body: bytes) -> Response:
    try:
        answer = json.loads(body)
        if "error" in answer:
            error = answer["error"]
            raise AlgorithmException(error["message"], error.get("stack_trace"), error.get("error_type"))
        metadata = Metadata(answer["metadata"]["content_type"], answer["metadata"]["duration"])
        result = answer["result"]
    except (ValueError, TypeError, KeyError):
        raise AlgorithmException(f"the gateway answered HTTP {status} without a result", error_type="AlgorithmError") from None
    return Response(base64.b64decode(result) if metadata.content_type == "binary" else result, metadata)
