"""HTTP/1.1 for callers: parsed by llhttp, bounded in every size and time, answered in order.

A request that cannot be served (malformed, too large) becomes a `Request` with a `problem`, so that it is answered in its
turn and in the same envelope as everything else.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, cast

import httptools

from cloudlayer.gateway.answer import Answer
from cloudlayer.gateway.data_requests import is_data
from cloudlayer.gateway.envelope import CallError

HEAD_LIMIT: Final = 64 * 1024
BODY_LIMIT: Final = 10 * 1024**2
DISCARD_LIMIT: Final = 8 * BODY_LIMIT
HELD_LIMIT: Final = 1024**3
CONNECTION_LIMIT: Final = 10_000
PIPELINE_LIMIT: Final = 16

HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 120.0
IDLE_SECONDS: Final = 75.0
WRITE_SECONDS: Final = 30.0
LINGER_SECONDS: Final = 2.0

_NEVER: Final = float("inf")
_ONE_WRITE: Final = 64 * 1024
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


@dataclass(eq=False, slots=True)
class Request:
    """One request; header names are in small letters. `gone` is called if the caller hangs up before the answer."""

    method: bytes = b""
    target: bytes = b""
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    keep_alive: bool = False
    old: bool = False
    problem: CallError | None = None
    gone: Callable[[], None] | None = None


Handler = Callable[[Request], Awaitable[Answer]]


class HttpServer:
    """Every connection of the gateway, over all of its sockets. Times are the event loop's."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.held = 0
        self.closing = False
        self.date = b""
        self._listeners: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def listen_tcp(self, host: str, port: int) -> list[str]:
        """Serve on a host and port (0: any free one); the URLs that lead here."""
        server = await asyncio.get_running_loop().create_server(self._connection, host, port, backlog=1024)
        self._started(server)
        names = [socket.getsockname() for socket in server.sockets]
        return [f"http://[{name[0]}]:{name[1]}" if ":" in name[0] else f"http://{name[0]}:{name[1]}" for name in names]

    async def listen_unix(self, path: str) -> None:
        """Serve on a unix socket at `path`; one left over from before is replaced."""
        self._started(await asyncio.get_running_loop().create_unix_server(self._connection, path, backlog=1024))

    def close(self) -> None:
        """Accept nothing more; connections close after the answers that are under way."""
        self.closing = True
        for listener in self._listeners:
            listener.close()
        for connection in list(self.connections):
            connection.close_if_idle()

    @property
    def unsent(self) -> int:
        """Bytes of answers that callers have not taken yet."""
        return sum(connection.unsent for connection in self.connections)

    def abort(self) -> None:
        """Break off what is left."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self.connections):
            connection.abort()

    def _started(self, server: asyncio.Server) -> None:
        self._listeners.append(server)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    def _connection(self) -> Connection:
        return Connection(self)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.date = formatdate(time.time(), usegmt=True).encode()
            now = loop.time()
            for connection in [each for each in self.connections if each.expires <= now]:
                connection.expire(now)
            await asyncio.sleep(1.0)


class Connection(asyncio.Protocol):
    """One caller's connection; `expires` is when it has taken too long over what it does now."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._pending: deque[Request] = deque()
        self._active: Request | None = None
        self._reading: Request | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._unread = 0
        self._left = 0
        self._deaf = False
        self._paused = False
        self.expires = self._loop.time() + HEAD_SECONDS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller has come."""
        self._transport = cast(asyncio.Transport, transport)
        if len(self._server.connections) >= CONNECTION_LIMIT:
            self._refuse(CallError("UnavailableError", "too many connections", status=503, retry_after=1))
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone: what waits for a place does so no longer, what runs is left to finish."""
        self._server.connections.discard(self)
        self._server.held -= sum(len(request.body) for request in self._pending) + sum(map(len, self._chunks))
        self._pending.clear()
        self._chunks.clear()
        if self._active is not None and self._active.gone is not None:
            self._active.gone()

    def data_received(self, data: bytes) -> None:
        """Parse; whatever stays without a body byte or an end for too long is refused."""
        if self._deaf:
            return
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay_with_http(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(_malformed())
        if self._unread > HEAD_LIMIT:
            self._refuse(CallError("InputError", f"the request's head is over {HEAD_LIMIT} bytes", status=431))

    def pause_writing(self) -> None:
        """The caller reads too slowly: serve it nothing more until it has caught up."""
        self._paused = True
        self._left = self.unsent
        self.expires = self._loop.time() + WRITE_SECONDS

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._paused = False
        self.expires = self._loop.time() + IDLE_SECONDS
        self._next()

    def on_message_begin(self) -> None:
        """A request starts."""
        self._reading = Request()
        self._size = 0
        self._await_head()

    def on_url(self, url: bytes) -> None:
        """The target, or a further part of it."""
        if self._reading is not None:
            self._reading.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or (when the body has begun) a trailer, which nobody here reads."""
        if self._reading is not None and not self._reading.method:
            self._size += len(name) + len(value) + len(": \r\n")
            self._reading.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Decide what can be decided before the body comes."""
        request = self._reading
        if request is None or self._deaf or self._parser.should_upgrade():
            return
        request.method = self._parser.get_method()
        request.keep_alive = self._parser.should_keep_alive()
        request.old = self._parser.get_http_version() == "1.0"
        if self._size > HEAD_LIMIT:
            self._refuse(CallError("InputError", f"the request's head is over {HEAD_LIMIT} bytes", status=431))
            return
        self._size = 0
        if self._server.held > HELD_LIMIT:
            request.problem = CallError("UnavailableError", "too many calls at once", status=503, retry_after=1)
        elif int(request.headers.get(b"content-length", 0)) > BODY_LIMIT:
            request.problem = _too_large(request)
        if request.headers.get(b"expect", b"").lower() == b"100-continue":
            self._expect(request)
        if self._active is None:
            self.expires = self._loop.time() + BODY_SECONDS

    def on_body(self, body: bytes) -> None:
        """Part of the body; that of a request that is refused anyway is thrown away, up to a point."""
        self._unread = 0
        request = self._reading
        if request is None or self._deaf:
            return
        self._size += len(body)
        if self._size > BODY_LIMIT and request.problem is None:
            request.problem = _too_large(request)
            self._server.held -= sum(map(len, self._chunks))
            self._chunks.clear()
        if request.problem is None:
            self._chunks.append(body)
            self._server.held += len(body)
        elif self._size > DISCARD_LIMIT:
            self._refuse(request.problem)

    def on_message_complete(self) -> None:
        """A request is whole."""
        if self._parser.should_upgrade():
            return
        self._unread = 0
        request, self._reading = self._reading, None
        if request is None or self._deaf:
            return
        request.body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._pending.append(request)
        if len(self._pending) > PIPELINE_LIMIT:
            self._transport.pause_reading()
        self._next()

    @property
    def unsent(self) -> int:
        """Bytes that the caller has not taken yet."""
        return self._transport.get_write_buffer_size()

    def close_if_idle(self) -> None:
        """Close, unless a request is being read or answered."""
        if self._active is None and not self._pending and self._reading is None:
            self._transport.close()

    def abort(self) -> None:
        """Break off."""
        self._transport.abort()

    def expire(self, now: float) -> None:
        """It took too long over what it does: tell it if it was sending a request, else close."""
        left = self.unsent
        if self._paused and left < self._left:
            self._left, self.expires = left, now + WRITE_SECONDS
        elif self._paused or self._transport.is_closing() or self._deaf:
            self._transport.abort()
        elif self._reading is not None:
            self._refuse(CallError("InputError", "the request took too long to arrive", status=408))
        else:
            self._transport.close()
            self.expires = now + LINGER_SECONDS

    def _stay_with_http(self, rest: bytes) -> None:
        # Some clients offer HTTP/2 on their first request, where the parser stops: read it as if they had not.
        request, self._reading = self._reading, None
        method = self._parser.get_method()
        if request is None or method == b"CONNECT":
            self._refuse(_malformed())
            return
        request.headers.pop(b"upgrade", None)
        request.headers.pop(b"connection", None)
        headers = b"".join(name + b": " + value + b"\r\n" for name, value in request.headers.items())
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, request.target, headers, rest))

    def _await_head(self) -> None:
        if self._active is None:
            self.expires = self._loop.time() + HEAD_SECONDS

    def _expect(self, request: Request) -> None:
        if request.problem is not None:
            self._refuse(request.problem)
        elif self._active is None and not self._pending:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, error: CallError) -> None:
        if self._deaf:
            return
        self._deaf = True
        self._server.held -= sum(map(len, self._chunks))
        self._chunks.clear()
        self._reading = None
        self._pending.append(Request(problem=error))
        self._next()

    def _next(self) -> None:
        if self._active is not None or self._paused or not self._pending or self._transport.is_closing():
            return
        self._active = self._pending.popleft()
        self.expires = _NEVER
        task = self._loop.create_task(self._serve(self._active))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _serve(self, request: Request) -> None:
        try:
            answer = await self._server.handler(request)
        finally:
            self._active = None
            self._server.held -= len(request.body)
        if self._transport.is_closing():
            return
        stay = request.keep_alive and not self._server.closing
        self._write(request, answer, stay)
        if stay:
            self._after_answer()
        else:
            self._finish()

    def _after_answer(self) -> None:
        now = self._loop.time()
        if not self._paused:
            self.expires = now + (IDLE_SECONDS if self._reading is None else BODY_SECONDS)
        if self._pending:
            self._next()
        if len(self._pending) <= PIPELINE_LIMIT:
            self._transport.resume_reading()

    def _finish(self) -> None:
        if not self._deaf:
            self._transport.close()
            self.expires = self._loop.time() + WRITE_SECONDS
            return
        # The caller may still be sending: closing now would reset the connection and lose it the answer.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.expires = self._loop.time() + LINGER_SECONDS

    def _write(self, request: Request, answer: Answer, stay: bool) -> None:
        more = "".join([f"{name}: {value}\r\n" for name, value in answer.headers])
        length = len(answer.body) if answer.length is None else answer.length
        if not stay:
            more += "Connection: close\r\n"
        elif request.old:
            more += "Connection: keep-alive\r\n"
        head = (
            f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, '')}\r\nContent-Type: {answer.content_type}\r\n"
            f"Content-Length: {length}\r\nX-Request-Id: {answer.request_id}\r\n{more}Date: "
        ).encode("latin-1")
        head += self._server.date + b"\r\n\r\n"
        if request.method == b"HEAD":
            self._transport.write(head)
        elif len(answer.body) < _ONE_WRITE:
            self._transport.write(head + answer.body)
        else:
            self._transport.write(head)
            self._transport.write(answer.body)


def _malformed() -> CallError:
    return CallError("InputError", "this is not an HTTP/1.1 request", status=400)


def _too_large(request: Request) -> CallError:
    if is_data(request.target):
        mend = "put it with a signed URL of its store, or with `cloudlayer data cp`"
        return CallError("TooLargeError", f"the body is over {BODY_LIMIT} bytes: {mend}", status=413)
    return CallError("TooLargeError", f"the body is over {BODY_LIMIT} bytes; send it by a URI")
