"""HTTP/1.1 to one server, over connections that are used again only after a whole answer.

What it answers comes from user code or a foreign image, so that its size is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..worker.protocol import Chunks, Refused

HEAD_LIMIT: Final = 64 * 1024
ANSWER_LIMIT: Final = 64 * 1024**2
CONNECT_SECONDS: Final = 5.0
FAIR_SECONDS: Final = 1.0
# Servers close connections that are idle for some seconds. One that is closed just as a call is sent on it looks like a
# server that died, so none is used again that late.
IDLE_SECONDS: Final = 1.0

_PIECE: Final = 1024**2


class Unreachable(Exception):
    """No connection came about, so nothing was sent."""


class TooLate(Exception):
    """The deadline is so near that no connection in time says nothing about the server. Nothing was sent."""


class Broken(Exception):
    """The connection ended before the answer did."""


class Overran(Exception):
    """The deadline came first."""


class BadAnswer(Exception):
    """What came is not HTTP that can be passed on; the message says how."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(eq=False, slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float = 0.0

    @property
    def alive(self) -> bool:
        return not (self.reader.at_eof() or self.writer.is_closing())


class Client:
    """Requests to one server, at "unix:/path" or "http://host:port"."""

    def __init__(self, address: str) -> None:
        self.used_at = 0.0
        self._unix = address.removeprefix("unix:") if address.startswith("unix:") else None
        self._authority = "localhost" if self._unix is not None else address.removeprefix("http://").rstrip("/")
        self._idle: list[_Connection] = []

    async def send(self, method: str, target: str, headers: Iterable[str], body: bytes, deadline: float) -> Response:
        """The answer. `headers` are whole lines beside Host and Content-Length; `deadline` is by the event loop's clock.

        Raises Unreachable, TooLate, Broken, Overran or BadAnswer.
        """
        loop = asyncio.get_running_loop()
        self.used_at = loop.time()
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._authority}", *headers, f"Content-Length: {len(body)}"]
        connection = self._reusable() or await self._connect(deadline)
        whole = False
        try:
            async with asyncio.timeout_at(deadline):
                connection.writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
                connection.writer.write(body)
                response, whole = await _receive(connection.reader, has_body=method != "HEAD")
        except TimeoutError:
            raise Overran from None
        except (OSError, EOFError):
            raise Broken from None
        finally:
            self._keep_or_close(connection, whole)
        return response

    def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.writer.close()
        self._idle.clear()

    def _reusable(self) -> _Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if now - connection.idle_since <= IDLE_SECONDS and connection.alive:
                return connection
            connection.writer.close()
        return None

    def _keep_or_close(self, connection: _Connection, whole: bool) -> None:
        if whole and connection.alive:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.writer.transport.abort()

    async def _connect(self, deadline: float) -> _Connection:
        left = min(deadline - asyncio.get_running_loop().time(), CONNECT_SECONDS)
        try:
            async with asyncio.timeout(left):
                if self._unix is not None:
                    return _Connection(*await asyncio.open_unix_connection(self._unix, limit=HEAD_LIMIT * 4))
                host, _, port = self._authority.rpartition(":")
                return _Connection(*await asyncio.open_connection(host.strip("[]"), int(port), limit=HEAD_LIMIT * 4))
        except TimeoutError:
            if left < FAIR_SECONDS:
                raise TooLate from None
            raise Unreachable(f"it took no connection within {left:.1f} s") from None
        except OSError as error:
            raise Unreachable(str(error)) from None


async def _receive(reader: asyncio.StreamReader, *, has_body: bool) -> tuple[Response, bool]:
    """An answer, and whether another may follow on its connection."""
    status, headers, last = await _receive_head(reader)
    while status < 200:
        status, headers, last = await _receive_head(reader)
    if status in (204, 304) or not has_body:
        return Response(status, headers, b""), not last
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Response(status, headers, await _receive_chunks(reader)), not last
    length = headers.get("content-length")
    if length is None:
        return Response(status, headers, await _receive_rest(reader)), False
    if not (length.isascii() and length.isdigit()):
        raise BadAnswer("its Content-Length is not a number")
    _bounded(int(length))
    return Response(status, headers, await reader.readexactly(int(length))), not last


async def _receive_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bool]:
    try:
        head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
    except asyncio.LimitOverrunError:
        raise BadAnswer(f"the head of its answer is over {HEAD_LIMIT} bytes") from None
    if len(head) > HEAD_LIMIT:
        raise BadAnswer(f"the head of its answer is over {HEAD_LIMIT} bytes")
    first, *rest = head.decode("latin-1").split("\r\n")
    protocol, _, more = first.partition(" ")
    status = more[:3]
    if protocol not in ("HTTP/1.1", "HTTP/1.0") or not (len(status) == 3 and status.isascii() and status.isdigit()):
        raise BadAnswer("what it answered is not HTTP/1.1")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    stays = headers.get("connection", "keep-alive" if protocol == "HTTP/1.1" else "close").lower() == "keep-alive"
    return int(status), headers, not stays


async def _receive_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks, buffer = Chunks(ANSWER_LIMIT), bytearray()
    try:
        while not chunks.feed(buffer):
            piece = await reader.read(_PIECE)
            if not piece:
                raise EOFError
            buffer += piece
    except Refused as refused:
        raise BadAnswer(f"its chunks cannot be read: {refused}") from None
    if buffer:
        raise BadAnswer("there is more after the end of its answer")
    return bytes(chunks.body)


async def _receive_rest(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while piece := await reader.read(_PIECE):
        body += piece
        _bounded(len(body))
    return bytes(body)


def _bounded(size: int) -> None:
    if size > ANSWER_LIMIT:
        raise BadAnswer(f"its answer is over {ANSWER_LIMIT} bytes")
