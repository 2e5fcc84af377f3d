"""HTTP/1.1, read by hand straight into the buffer that will be kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from benchmarks.objects_server.body import Chunks, decoded
from benchmarks.objects_server.messages import REASONS, Buffer, Request, Response, S3Error, read_head

if TYPE_CHECKING:
    from benchmarks.objects_server.dispatch import Service

HEAD: Final = 64 << 10
"""Bytes that a head may have."""
PIECE: Final = 512 << 10
"""Bytes that are handed to the socket at once."""


class Connection(asyncio.BufferedProtocol):
    """One connection. A body of known length is received where it stays; nothing is copied."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._head = bytearray(HEAD)
        self._view = memoryview(self._head)
        self._filled = 0
        self._request: Request | None = None
        self._whole = bytearray()
        self._body: memoryview | None = None
        """A view of `_whole` while it is awaited."""
        self._arrived = 0
        self._chunks: Chunks | None = None
        self._paused = False
        self._pending: list[Buffer] = []
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=PIECE)

    def connection_lost(self, error: Exception | None) -> None:
        """Drop what was still to be written."""
        self._pending.clear()
        self._closing = True

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to receive: the body if one is awaited, else the head's buffer."""
        return self._body[self._arrived :] if self._body is not None else self._view[self._filled :]

    def buffer_updated(self, count: int) -> None:
        """Go on with what has arrived."""
        if self._body is not None:
            self._arrived += count
            if self._arrived == len(self._body):
                self._answer(self._whole)
        else:
            self._filled += count
            self._read()

    def _read(self) -> None:
        """Read heads, and bodies that came with them, for as long as there are whole ones."""
        while self._filled and self._body is None and not self._closing and not self._pending:
            if self._chunks is not None:
                self._read_chunks(self._chunks)
            elif (end := self._head.find(b"\r\n\r\n", 0, self._filled)) >= 0:
                self._begin(end)
            elif self._filled == HEAD:
                return self._refuse(431)
            else:
                return None
        return None

    def _begin(self, end: int) -> None:
        try:
            request = self._request = read_head(self._head[:end].decode("latin-1"))
            length = int(request.headers.get("content-length", "0"))
        except ValueError:
            return self._refuse(400)
        if request.headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "transfer-encoding" in request.headers:
            self._chunks = Chunks()
            self._skip(end + 4)
        elif not length:
            self._skip(end + 4)
            self._answer(b"")
        else:
            body = bytearray(length)
            arrived = min(length, self._filled - end - 4)
            body[:arrived] = self._view[end + 4 : end + 4 + arrived]
            self._skip(end + 4 + arrived)
            if arrived == length:
                self._answer(body)
            else:
                self._whole, self._body, self._arrived = body, memoryview(body), arrived
        return None

    def _read_chunks(self, chunks: Chunks) -> None:
        arrived = bytes(self._view[: self._filled])
        self._filled = 0
        try:
            chunks.feed(arrived)
        except S3Error:
            return self._refuse(400)
        if chunks.done:
            self._chunks = None
            self._filled = len(chunks.rest)
            self._view[: self._filled] = chunks.rest
            self._answer(chunks.data)
        return None

    def _skip(self, count: int) -> None:
        left = self._filled - count
        if left:
            self._view[:left] = bytes(self._view[count : self._filled])
        self._filled = left

    def _answer(self, body: Buffer) -> None:
        request = self._request
        assert request is not None
        self._body = self._request = None
        request.body = body
        try:
            if "aws-chunked" in request.headers.get("content-encoding", ""):
                request.body = decoded(body, request.headers)
            response = self._service.answer(request)
        except S3Error as error:
            response = error.response(f"/{request.bucket}/{request.key}")
        close = request.headers.get("connection", "").lower() == "close"
        self._write(response, head_only=request.method == "HEAD", close=close)

    def _write(self, response: Response, *, head_only: bool, close: bool) -> None:
        length = response.length if response.length is not None else sum(map(len, response.body))
        line = f"HTTP/1.1 {response.status} {REASONS[response.status]}\r\n"
        end = "Connection: close\r\n\r\n" if close else "\r\n"
        head = f"{line}{response.headers}Content-Length: {length}\r\n{end}".encode("latin-1")
        self._closing = close
        if head_only or not response.body:
            self._transport.write(head)
        elif length <= PIECE:
            self._transport.write(b"".join([head, *response.body]))
        else:
            self._pending = [head, *response.body][::-1]
            return self._pump()
        if close:
            self._transport.close()
        return None

    def _pump(self) -> None:
        """Write until the socket has enough; `resume_writing` comes back here."""
        while self._pending and not self._paused and not self._transport.is_closing():
            part = memoryview(self._pending.pop())
            if len(part) > PIECE:
                self._pending.append(part[PIECE:])
            self._transport.write(part[:PIECE])
        if self._pending:
            return
        if self._closing:
            self._transport.close()
        else:
            self._read()

    def pause_writing(self) -> None:
        """The socket has enough."""
        self._paused = True

    def resume_writing(self) -> None:
        """The socket takes more."""
        self._paused = False
        if self._pending:
            self._pump()

    def _refuse(self, status: int) -> None:
        self._write(Response(status), head_only=False, close=True)
