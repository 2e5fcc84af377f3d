"""A proxy between a store and its server that does to requests and answers what networks and servers do to them.

Each request takes the next fault of the plan; when there is none left, all goes well.
"""

import asyncio
import contextlib
import random
import threading
from collections import deque
from dataclasses import dataclass
from urllib.parse import urlsplit

KINDS = (
    *("refuse", "cut_request", "cut_answer", "lose_answer", "short_answer", "flip_request", "flip_answer"),
    *("error_500", "error_503", "error_503_retry_after", "error_after", "slow"),
)
"""
refuse: the connection ends before anything is forwarded. cut_request, cut_answer: it ends amid the one or the other.
lose_answer: the server has done it, and the connection ends. short_answer: an object with fewer bytes, and a length that fits.
flip_request, flip_answer: one bit of an object is another. error_…: the server says so and does nothing; error_after: it has
done it. slow: all comes in small pieces.
"""
PERIOD = 0.002


@dataclass(frozen=True)
class Fault:
    """What happens to a request; `at` says where in it, from 0 up to 1."""

    kind: str
    at: float = 0.5


@dataclass
class Message:
    """A request or an answer of HTTP."""

    first: bytes
    headers: dict[bytes, bytes]
    body: bytes

    def encoded(self):
        lines = [self.first, *(name + b": " + value for name, value in self.headers.items())]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


class Proxy:
    """One at a port of its own, in a thread of its own; `address` is its URL."""

    def __init__(self, address):
        upstream = urlsplit(address)
        self._upstream = upstream.hostname, upstream.port
        self._plan = deque()
        self._forever = None
        self.met = []
        """The faults that were brought about since the last plan, with the request's first line."""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(20)
        self.address = f"http://127.0.0.1:{self.port}"

    def plan(self, faults=(), forever=None):
        """What happens to the next requests, and to all that come after them."""
        self._plan = deque(faults)
        self._forever = forever
        self.met = []

    def close(self):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join(10)

    async def _end(self):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._loop.stop()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**26))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()

    def _next(self):
        try:
            return self._plan.popleft()
        except IndexError:
            return self._forever

    async def _serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while request := await _request(reader, writer):
                fault = self._next()
                if fault is not None:
                    self.met.append((fault.kind, request.first.decode("latin-1")))
                if not await self._exchange(request, fault, writer):
                    break
        with contextlib.suppress(OSError):
            writer.close()

    async def _exchange(self, request, fault, writer):
        """Whether the connection goes on."""
        kind, at = (fault.kind, fault.at) if fault else ("", 0.0)
        if kind == "refuse":
            return False
        if kind.startswith("error_5"):
            writer.write(_error(kind))
            return True
        if kind == "flip_request" and request.first.startswith(b"PUT") and request.body:
            request.body = _flipped(request.body, at)
        answer = await self._forwarded(request, cut=at if kind == "cut_request" else None)
        if answer is None or kind == "lose_answer":
            return False
        if kind == "error_after":
            writer.write(_error("error_500"))
            return True
        if _is_object(request, answer):
            if kind == "flip_answer" and b"range" not in request.headers:
                answer.body = _flipped(answer.body, at)
            if kind == "short_answer":
                answer.body = answer.body[: int(len(answer.body) * at)]
                answer.headers[b"content-length"] = str(len(answer.body)).encode()
        return await _answered(answer.encoded(), kind, at, writer)

    async def _forwarded(self, request, cut):
        """What the server answers; None if the request is cut off in the middle."""
        reader, writer = await asyncio.open_connection(*self._upstream, limit=2**26)
        try:
            data = request.encoded()
            if cut is not None:
                head = len(data) - len(request.body)
                writer.write(data[: head + int(len(request.body) * cut)] if request.body else data[: int(head * cut)])
                await writer.drain()
                return None
            writer.write(data)
            await writer.drain()
            answer = await _message(reader)
            while answer.first.split(b" ")[1] == b"100":
                answer = await _message(reader)
            await _read_body(reader, answer, _has_body(request, answer), to_the_end=True)
            return answer
        finally:
            writer.close()


async def _answered(data, kind, at, writer):
    if kind == "cut_answer":
        writer.write(data[: int(len(data) * at)])
        await writer.drain()
        return False
    if kind == "slow":
        step = max(1, len(data) // 8)
        for start in range(0, len(data), step):
            writer.write(data[start : start + step])
            await writer.drain()
            await asyncio.sleep(PERIOD)
        return True
    writer.write(data)
    await writer.drain()
    return True


async def _request(reader, writer):
    try:
        request = await _message(reader)
    except asyncio.IncompleteReadError:
        return None
    if request.headers.pop(b"expect", None):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    await _read_body(reader, request, wanted=True, to_the_end=False)
    request.headers[b"connection"] = b"close"
    return request


async def _message(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    return Message(first, {name.strip().lower(): value.strip() for name, _, value in pairs}, b"")


async def _read_body(reader, message, wanted, to_the_end):
    """Read the body, whatever tells its length; it has a Content-Length then."""
    headers = message.headers
    if not wanted:
        return
    if headers.pop(b"transfer-encoding", b"").lower() == b"chunked":
        pieces = []
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            pieces.append(await reader.readexactly(size))
            await reader.readexactly(2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
        message.body = b"".join(pieces)
        headers[b"content-length"] = str(len(message.body)).encode()
    elif b"content-length" in headers:
        message.body = await reader.readexactly(int(headers[b"content-length"]))
    elif to_the_end:
        message.body = await reader.read()
        headers[b"content-length"] = str(len(message.body)).encode()
    if to_the_end:
        headers.pop(b"connection", None)


def _has_body(request, answer):
    status = answer.first.split(b" ")[1]
    return not request.first.startswith(b"HEAD") and status not in (b"204", b"304")


def _is_object(request, answer):
    """Whether an answer has an object's bytes: those of a list or an error have no checksum."""
    method, path, _ = request.first.split(b" ", 2)
    return method == b"GET" and b"?" not in path and answer.first.split(b" ")[1] in (b"200", b"206") and answer.body


def _flipped(body, at):
    place = min(int(len(body) * at), len(body) - 1)
    return body[:place] + bytes([body[place] ^ (1 << random.Random(at).randrange(8))]) + body[place + 1 :]


def _error(kind):
    status = b"500 Internal Server Error" if kind == "error_500" else b"503 Slow Down"
    code = b"InternalError" if kind == "error_500" else b"SlowDown"
    body = b"<?xml version='1.0'?><Error><Code>" + code + b"</Code><Message>for a while</Message></Error>"
    headers = {b"content-type": b"application/xml", b"content-length": str(len(body)).encode()}
    if kind == "error_503_retry_after":
        headers[b"retry-after"] = b"3"
    return Message(b"HTTP/1.1 " + status, headers, body).encoded()
