"""A load generator in a process of its own: `python -m benchmarks.load`, told what to do by one JSON object on stdin.

`{"address": "http://host:port" or "unix:/path", "request": base64 of one whole HTTP request, "connections", "seconds",
"warmup"}`.
Each connection sends the request, reads the whole answer (Content-Length only), and sends it again at once (a closed loop). It
writes plain bytes on asyncio transports, so that it costs little beside what it measures. Prints `{"p50_ms", "p99_ms",
"requests", "seconds", "total"}`, `total` with the warm-up's requests; any answer but HTTP 200 ends it with an error.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any, cast


@dataclass
class Run:
    """What is sent, until when, and how long each answer took, in seconds."""

    request: bytes
    connections: int
    warm_at: float
    end_at: float
    latencies: list[float] = field(default_factory=list)
    total: int = 0


class Caller(asyncio.Protocol):
    """One connection of the closed loop."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._buffer = b""
        self._missing = 0
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count bytes until the answer is whole."""
        if not self._missing:
            self._buffer += data
            head, end, body = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                self._fail(f"not HTTP 200: {self._buffer[:300]!r}")
                return
            self._missing = _length(head) - len(body)
            self._buffer = b""
        else:
            self._missing -= len(data)
        if self._missing <= 0:
            self._answered()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server hung up: no measurement."""
        self._fail("the server closed the connection")

    def _answered(self) -> None:
        now = time.perf_counter()
        self._run.total += 1
        if self._sent >= self._run.warm_at:
            self._run.latencies.append(now - self._sent)
        if now < self._run.end_at:
            self._send()
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._run.request)

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))


async def measure(task: dict[str, Any]) -> dict[str, float]:
    """Run the load and sum it up."""
    start = time.perf_counter()
    warm_at = start + task["warmup"]
    run = Run(base64.b64decode(task["request"]), task["connections"], warm_at, warm_at + task["seconds"])
    callers = await asyncio.gather(*(_connect(task["address"], run) for _ in range(run.connections)))
    await asyncio.gather(*(caller.done for caller in callers))
    ordered = sorted(run.latencies)
    return {
        "p50_ms": 1000 * ordered[len(ordered) // 2],
        "p99_ms": 1000 * ordered[int(len(ordered) * 0.99)],
        "requests": len(ordered),
        "seconds": time.perf_counter() - warm_at,
        "total": run.total,
    }


async def _connect(address: str, run: Run) -> Caller:
    loop = asyncio.get_running_loop()
    if address.startswith("unix:"):
        return (await loop.create_unix_connection(lambda: Caller(run), address.removeprefix("unix:")))[1]
    host, _, port = address.removeprefix("http://").rpartition(":")
    return (await loop.create_connection(lambda: Caller(run), host, int(port)))[1]


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise RuntimeError("an answer without Content-Length")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(json.load(sys.stdin)))))
