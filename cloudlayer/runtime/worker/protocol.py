"""HTTP/1.1 over an asyncio transport: keep-alive, pipelined requests in order, chunked bodies, bounds on everything."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_BODY = 10 * 1024 * 1024
MAX_HEAD = 64 * 1024
_MAX_LINE = 1024
_LINGER = 2.0
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{1,16}")
_SINGLE = ("content-length", "transfer-encoding")
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large"}
_REASONS |= {431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented"}
_REASONS |= {401: "Unauthorized", 408: "Request Timeout", 429: "Too Many Requests", 503: "Service Unavailable"}


class Refused(Exception):
    """The request cannot be served; the connection is of no more use."""

    def __init__(self, status: int, message: str, error_type: str = "InputError") -> None:
        super().__init__(message)
        self.status = status
        self.body = json.dumps({"error": {"message": message, "error_type": error_type, "stack_trace": ""}}).encode()


@dataclass(slots=True)
class Request:
    """One request. Header names are lower case; `keep_alive` says whether another may follow."""

    method: str
    path: str
    headers: dict[str, str]
    keep_alive: bool
    body: bytes = b""


Handler = Callable[[Request, "Connection"], None]


def parse_head(head: bytes) -> Request:
    """The request line and headers. Raises Refused."""
    try:
        line, *rest = head.decode("latin-1").split("\r\n")
        method, path, protocol = line.split(" ")
        pairs = [field.partition(":") for field in rest]
    except ValueError:
        raise Refused(400, "not an HTTP request") from None
    if protocol not in ("HTTP/1.1", "HTTP/1.0"):
        raise Refused(400, "speaks HTTP/1.0 and HTTP/1.1 alone")
    headers: dict[str, str] = {}
    for name, colon, value in pairs:
        name = name.lower()  # noqa: PLW2901  (one name for one thing)
        if not colon or not name or name != name.strip() or (name in _SINGLE and name in headers):
            raise Refused(400, "a malformed or repeated header")
        headers[name] = value.strip()
    connection = headers.get("connection", "").lower()
    keep_alive = connection != "close" if protocol == "HTTP/1.1" else connection == "keep-alive"
    return Request(method, path, headers, keep_alive)


def body_length(headers: dict[str, str]) -> int | None:
    """Bytes of the body; None if it comes in chunks. Raises Refused."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if coding.lower() != "chunked":
            raise Refused(501, f"transfer encoding {coding} is not known; send chunked")
        if length is not None:
            raise Refused(400, "both Content-Length and Transfer-Encoding")
        return None
    if length is None:
        return 0
    if not (length.isascii() and length.isdigit()):
        raise Refused(400, "Content-Length is not a number")
    return bounded(int(length))


def bounded(size: int, limit: int = MAX_BODY) -> int:
    """`size` if a body may be that large. Raises Refused."""
    if size > limit:
        raise Refused(413, f"the body is larger than {limit // 1024**2} MiB", "TooLargeError")
    return size


def _head(status: int, content_type: str, length: int, close: bool, more: str = "") -> bytes:
    last = "Connection: close\r\n" if close else ""
    line = f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\n"
    head = f"{line}Content-Type: {content_type}\r\nContent-Length: {length}\r\n{more}{last}\r\n"
    return head.encode("latin-1")


class Chunks:
    """Takes the chunks of a body out of a buffer as they arrive. Raises Refused for one of more than `limit` bytes."""

    def __init__(self, limit: int = MAX_BODY) -> None:
        self.body = bytearray()
        self._limit = limit
        self._left: int | None = None
        self._trailers = False

    def feed(self, buffer: bytearray) -> bool:
        """Take what is there; True once the body is whole. Raises Refused."""
        while True:
            if self._left is not None:
                if len(buffer) < self._left + 2:
                    return False
                if buffer[self._left : self._left + 2] != b"\r\n":
                    raise Refused(400, "a malformed chunk")
                self.body += buffer[: self._left]
                del buffer[: self._left + 2]
                self._left = None
            end = buffer.find(b"\r\n", 0, _MAX_LINE)
            if end < 0:
                if len(buffer) >= _MAX_LINE:
                    raise Refused(400, "a chunk's header is too long")
                return False
            line = bytes(buffer[:end])
            del buffer[: end + 2]
            if self._trailers:
                if not line:
                    return True
            else:
                self._begin(line)

    def _begin(self, line: bytes) -> None:
        digits = line.partition(b";")[0].strip()
        if not _HEXADECIMAL.fullmatch(digits):
            raise Refused(400, "a malformed chunk")
        size = int(digits, 16)
        bounded(len(self.body) + size, self._limit)
        self._left, self._trailers = (None, True) if size == 0 else (size, False)


class Connection(asyncio.Protocol):
    """One connection: a request at a time goes to `handler`, the next once it is answered.

    An answer may be written by the thread that made it: waking the event loop for that would double the time of a short call.
    What both sides touch is under the lock, and nothing that blocks is done while holding it.
    """

    def __init__(self, handler: Handler, connections: set[Connection]) -> None:
        self._handler = handler
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._buffer = bytearray()
        self._request: Request | None = None
        self._length: int | None = 0
        self._chunks = Chunks()
        self._transport: Any = None
        self._descriptor = -1
        self._busy = False
        self._last = False
        self._ended = False
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller connected."""
        self._transport = transport
        self._descriptor = transport.get_extra_info("socket").fileno()
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone; what runs for it runs on, and its answer is dropped."""
        self._connections.discard(self)
        with self._lock:
            self._transport = None

    def eof_received(self) -> bool:
        """The caller will send no more; it may still read its answers."""
        with self._lock:
            self._ended = True
            return self._busy

    def data_received(self, data: bytes) -> None:
        """More bytes: hold them while a call runs, else go on parsing."""
        if self._refused:
            return
        with self._lock:
            self._buffer += data
            busy, held = self._busy, len(self._buffer)
        if not busy:
            self._advance()
        elif held > MAX_HEAD:
            self._transport.pause_reading()

    def close_when_idle(self) -> None:
        """Serve the call in flight, and no other."""
        with self._lock:
            self._last = True
            busy = self._busy
        if not busy and self._transport is not None:
            self._transport.close()

    def respond(self, status: int, content_type: str, body: bytes, more: str = "") -> None:
        """Answer the request in hand, on the event loop; `more` are further lines of the head."""
        self._finish(_head(status, content_type, len(body), self._last, more) + body)

    def respond_from_thread(self, status: int, content_type: str, body: bytes) -> None:
        """Answer the request in hand, from any thread."""
        answer = _head(status, content_type, len(body), self._last) + body
        with self._lock:
            if self._transport is None:
                return
            if not (self._last or self._ended or self._buffer or self._transport.get_write_buffer_size()):
                answer = answer[self._write(answer) :]
                if not answer:
                    self._busy = False
                    return
        with contextlib.suppress(RuntimeError):  # the loop is closed: the grace is over and nobody listens
            self._loop.call_soon_threadsafe(self._finish, answer)

    def _write(self, answer: bytes) -> int:
        try:
            return os.write(self._descriptor, answer)
        except OSError:
            return 0  # would block, or broken: the event loop finds out which

    def _finish(self, answer: bytes) -> None:
        if self._transport is None:
            return
        self._transport.write(answer)
        if self._last:
            self._transport.close()
            return
        self._transport.resume_reading()
        # Not recursion: a caller that pipelines thousands of requests must not grow the stack.
        self._loop.call_soon(self._advance)

    def _advance(self) -> None:
        if self._transport is None:
            return
        try:
            request = self._take()
        except Refused as refusal:
            self._refuse(refusal)
            return
        with self._lock:
            self._busy = request is not None
        if request is not None:
            self._handler(request, self)
        elif self._ended:
            self._transport.close()

    def _refuse(self, refusal: Refused) -> None:
        """Answer and read on for a while: closing on a caller that still sends would destroy the answer on its way."""
        self._refused = True
        self._buffer.clear()
        self._transport.write(_head(refusal.status, "application/json", len(refusal.body), True) + refusal.body)
        if self._ended:
            self._transport.close()
        else:
            self._transport.write_eof()
            self._loop.call_later(_LINGER, self._transport.close)

    def _take(self) -> Request | None:
        if self._request is None:
            self._request = self._take_head()
        request = self._request
        if request is None:
            return None
        if self._length is None:
            if not self._chunks.feed(self._buffer):
                return None
            request.body = bytes(self._chunks.body)
        else:
            if len(self._buffer) < self._length:
                return None
            request.body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
        self._request = None
        return request

    def _take_head(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self._buffer) >= MAX_HEAD:
                raise Refused(431, "the headers are too large")
            return None
        request = parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        self._length = body_length(request.headers)
        self._chunks = Chunks()
        if "expect" in request.headers and self._length != 0:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._last = self._last or not request.keep_alive
        return request
