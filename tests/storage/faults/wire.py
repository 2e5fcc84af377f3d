"""A proxy for protocols that are none of HTTP: it knows bytes alone, and cuts connections after some of them."""

import asyncio
import contextlib
import threading
from collections import deque

KINDS = ("cut_up", "cut_down", "refuse", "slow")
"""cut_up, cut_down: all connections end after some bytes to the server, or from it. refuse: they end, and the next one does at
once. slow: what comes from the server waits."""
PERIOD = 0.002
MOST = 30_000
"""Bytes after which a connection is cut at the latest."""


class Wire:
    """At a port of its own, in a thread of its own."""

    def __init__(self, host, port):
        self._upstream = host, port
        self._plan, self._forever = deque(), None
        self._fault, self._left = None, 0
        self._writers = set()
        self.met = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    def plan(self, faults=(), forever=None):
        """What happens from now on, one after the other; None is nothing, and the last one may go on for ever."""

        def begin():
            self._plan, self._forever = deque(fault for fault in faults if fault), forever
            self._arm()
            ready.set()

        ready = threading.Event()
        self.met = []
        self._loop.call_soon_threadsafe(begin)
        assert ready.wait(20)

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
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()

    def _arm(self):
        self._fault = self._plan.popleft() if self._plan else self._forever
        self._left = int(self._fault.at**2 * MOST) if self._fault else 0
        if self._fault and self._fault.kind == "refuse":
            self._cut()

    def _happened(self):
        self.met.append((self._fault.kind, ""))
        self._arm()

    def _cut(self):
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        if self._fault and self._fault.kind == "refuse":
            writer.transport.abort()
            self._happened()
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._upstream)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, server_writer}
        self._writers |= ends
        pumps = [self._pump(reader, server_writer, "up"), self._pump(server_reader, writer, "down")]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*pumps)
        self._writers -= ends

    async def _pump(self, reader, writer, direction):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                kind = self._fault.kind if self._fault else ""
                if kind == f"cut_{direction}":
                    if len(data) >= self._left:
                        writer.write(data[: self._left])
                        await writer.drain()
                        self._cut()
                        self._happened()
                        return
                    self._left -= len(data)
                if kind == "slow" and direction == "down":
                    await asyncio.sleep(PERIOD)
                    self._happened()
                writer.write(data)
                await writer.drain()
        writer.close()
