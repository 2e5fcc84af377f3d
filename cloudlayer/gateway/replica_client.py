"""HTTP/1.1 to one replica, over connections that are used again only after a whole answer.

The answer comes from user code or a foreign image: its size is bounded, and it belongs to the one call that its connection
carries.
"""

from __future__ import annotations

import asyncio
import errno
from typing import Final, cast

import httptools

from cloudlayer.gateway.envelope import ReplicaAnswer
from cloudlayer.runtime.router.client import (
    ANSWER_LIMIT,
    CONNECT_SECONDS,
    FAIR_SECONDS,
    HEAD_LIMIT,
    IDLE_SECONDS,
    BadAnswer,
    Broken,
    Overran,
    TooLate,
    Unreachable,
)

_ONE_WRITE: Final = 64 * 1024
_OUR_OWN_FAULT: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)


class OutOfConnections(Exception):
    """This process, not the replica, is at the end of its means."""


class ReplicaClient:
    """Calls to one replica, at "unix:/path" or "http://host:port"."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.closed = False
        self._unix = address.removeprefix("unix:") if address.startswith("unix:") else None
        authority = "localhost" if self._unix is not None else address.removeprefix("http://").rstrip("/")
        host, _, port = authority.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port) if self._unix is None else 0
        self._head = f"POST / HTTP/1.1\r\nHost: {authority}\r\nX-Request-Id: ".encode()
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()

    async def post(self, body: bytes, content_type: bytes, request_id: str, deadline: float, wall: float) -> ReplicaAnswer:
        """The replica's answer. `deadline` is by the event loop's clock, `wall` the same in seconds since 1970.

        Raises Unreachable, TooLate, OutOfConnections, Broken, Overran or BadAnswer.
        """
        head = b"%b%b\r\nX-Deadline: %.3f\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (
            self._head,
            request_id.encode(),
            wall,
            content_type,
            len(body),
        )
        connection = self._reusable() or await self._connect(deadline)
        return await connection.exchange(head, body, deadline)

    def follow(self, earlier: ReplicaClient) -> None:
        """Take the place of an earlier client of this replica, whose calls under way are this one's to sever from now on."""
        self._busy = earlier._busy

    def began(self, connection: _Connection) -> None:
        """A call is under way on a connection."""
        self._busy.add(connection)

    def ended(self, connection: _Connection) -> None:
        """The call on a connection is over."""
        self._busy.discard(connection)

    def sever(self) -> None:
        """Break off every call that is under way: nobody will answer it."""
        for connection in list(self._busy):
            connection.sever()

    def keep(self, connection: _Connection) -> None:
        """Hold a connection that can carry another call."""
        if self.closed:
            connection.close()
        else:
            self._idle.append(connection)

    def drop(self, connection: _Connection) -> None:
        """Forget a connection that has ended."""
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        """Close what is idle now, and what is busy as soon as it is done."""
        self.closed = True
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _reusable(self) -> _Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if now - connection.idle_since <= IDLE_SECONDS and connection.alive:
                return connection
            connection.close()
        return None

    async def _connect(self, deadline: float) -> _Connection:
        loop = asyncio.get_running_loop()
        left = min(deadline - loop.time(), CONNECT_SECONDS)
        try:
            async with asyncio.timeout(left):
                if self._unix is not None:
                    return (await loop.create_unix_connection(lambda: _Connection(self), self._unix))[1]
                return (await loop.create_connection(lambda: _Connection(self), self._host, self._port))[1]
        except TimeoutError:
            if left < FAIR_SECONDS:
                raise TooLate from None
            raise Unreachable(f"it took no connection within {left:.1f} s") from None
        except OSError as error:
            if error.errno in _OUR_OWN_FAULT:
                raise OutOfConnections(str(error)) from None
            raise Unreachable(str(error)) from None


class _Connection(asyncio.Protocol):
    """One connection; it carries at most one call at a time."""

    def __init__(self, client: ReplicaClient) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[ReplicaAnswer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._chunks: list[bytes] = []
        self._content_type = b""
        self._size = 0
        self._unread = 0
        self._in_body = False
        self._framed = False
        self._reuse = False
        self.alive = True
        self.idle_since = 0.0

    def exchange(self, head: bytes, body: bytes, deadline: float) -> asyncio.Future[ReplicaAnswer]:
        """Send one call; its answer."""
        self._answer = answer = self._loop.create_future()
        self._client.began(self)
        self._timer = self._loop.call_at(deadline, self._fail, Overran())
        if len(body) < _ONE_WRITE:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        return answer

    def sever(self) -> None:
        """Break off the call that it carries."""
        self._fail(Broken())

    def close(self) -> None:
        """Close it."""
        self.alive = False
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse; anything that comes when no call is under way makes the connection useless."""
        if self._answer is None:
            self._client.drop(self)
            self.close()
            return
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(BadAnswer("what it answered is not HTTP/1.1"))
        if self._unread > HEAD_LIMIT:
            self._fail(BadAnswer(f"the head of its answer is over {HEAD_LIMIT} bytes"))

    def eof_received(self) -> None:
        """The end of the connection is the end of an answer that announced no length."""
        if self._in_body and not self._framed:
            self._reuse = False
            self._complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """It broke."""
        self.alive = False
        self._client.drop(self)
        self._fail(Broken())

    def on_message_begin(self) -> None:
        """An answer starts; a second one after the first was not asked for."""
        self._content_type, self._size, self._in_body, self._framed = b"", 0, False, False
        if self._answer is None:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note the headers that count; what comes after the body are trailers."""
        if self._in_body:
            return
        name = name.lower()
        if name == b"content-type":
            self._content_type = value
        elif name in (b"content-length", b"transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_body = self._parser.get_status_code() >= 200
        self._reuse = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Part of the body."""
        self._unread = 0
        self._size += len(body)
        if self._size > ANSWER_LIMIT:
            self._fail(BadAnswer(f"its answer is over {ANSWER_LIMIT} bytes"))
        elif self._answer is not None:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        """An answer is whole; an interim one (1xx) is not the answer."""
        self._unread = 0
        if self._in_body:
            self._complete()

    def _complete(self) -> None:
        future = self._settle()
        if future is None:
            return
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._in_body = False
        if self._reuse and self.alive and not self._transport.get_write_buffer_size():
            self.idle_since = self._loop.time()
            self._client.keep(self)
        else:
            self.close()
        status = self._parser.get_status_code()
        future.set_result(ReplicaAnswer(status, self._content_type.decode("latin-1"), body))

    def _fail(self, error: Exception) -> None:
        future = self._settle()
        if future is not None:
            self.alive = False
            self._chunks.clear()
            self._transport.abort()
            future.set_exception(error)

    def _settle(self) -> asyncio.Future[ReplicaAnswer] | None:
        future, self._answer = self._answer, None
        self._client.ended(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return None if future is None or future.done() else future
