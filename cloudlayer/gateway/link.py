"""The line to the controller: snapshots and exits come in, load and losses go out.

When it breaks, the gateway serves on with what it knows and connects again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from cloudlayer.fleet.routes import ASK_SECONDS, Ask, Exit, Figures, Lost, Message, Routes, decode, encode
from cloudlayer.gateway.dispatcher import TELL_SECONDS, Dispatcher
from cloudlayer.gateway.logs import log

HEARTBEAT_SECONDS: Final = 1.0
FIGURES_SECONDS: Final = 1.0
"""How long figures are good for. Whoever reads the metrics needs no key, and the line carries routes as well."""
SHORTEST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5
LINE_LIMIT: Final = 64 * 1024**2
# A controller that reads nothing is told no more: it gets the newest load when it is back.
_UNREAD_LIMIT: Final = 1024**2


class Link:
    """Keeps a connection to the controller's socket at `path`."""

    def __init__(self, path: str, dispatcher: Dispatcher) -> None:
        self._path = path
        self._dispatcher = dispatcher
        self._loop = asyncio.get_running_loop()
        self._writer: asyncio.StreamWriter | None = None
        self._newest: int | None = None
        self._due: asyncio.Handle | None = None
        self._due_now = False
        self._pause = SHORTEST_PAUSE
        self._figures: asyncio.Future[str | None] | None = None
        self._asks = 0
        self._ask_again = 0.0
        dispatcher.reports = self

    async def run(self) -> None:
        """Stay connected, for ever."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path, limit=LINE_LIMIT)
            except OSError:
                pass
            else:
                await self._serve(reader, writer)
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def now(self) -> None:
        """Tell the load in this very turn of the event loop; what else changes in it goes along."""
        if not self._due_now:
            self._schedule(self._loop.call_soon(self._tell), now=True)

    def soon(self) -> None:
        """Tell the load within 50 ms."""
        if self._due is None:
            self._schedule(self._loop.call_later(TELL_SECONDS, self._tell))

    def lost(self, lost: Lost) -> None:
        """Tell a loss at once. While the line is down it is kept, and told when the line stands again."""
        self._send(lost)

    async def figures(self) -> str | None:
        """What the controller tells within a few seconds, if it does. Nothing is measured unless somebody asks.

        One question is under way at a time, and one a second is sent at most: whoever asks meanwhile gets the same answer.
        """
        if self._writer is None:
            return None
        figures = self._figures
        if figures is None or (figures.done() and self._loop.time() >= self._ask_again):
            figures = self._ask()
        # A reader that hangs up ends no other's wait.
        return await asyncio.shield(figures)

    def _ask(self) -> asyncio.Future[str | None]:
        self._asks += 1
        self._ask_again = self._loop.time() + FIGURES_SECONDS
        self._figures = self._loop.create_future()
        self._loop.call_later(ASK_SECONDS, self._told, self._asks, None)
        self._send(Ask(self._asks))
        return self._figures

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        log("controller connected")
        self._writer = writer
        heartbeat = self._loop.create_task(self._beat())
        try:
            for lost in self._dispatcher.losses():
                self._send(lost)
            await self._receive(reader)
        except Exception as error:  # Whatever the controller sends, the gateway serves on.
            log("controller line broken", error=f"{type(error).__name__}: {error}"[:200])
        finally:
            heartbeat.cancel()
            self._writer = self._newest = None
            self._told(self._asks, None)
            self._figures = None
            writer.close()
            log("controller gone")

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = decode(line)
            if isinstance(message, Exit):
                self._dispatcher.exited(message)
            elif isinstance(message, Figures):
                self._told(message.number, message.text)
            elif isinstance(message, Routes) and (self._newest is None or message.number > self._newest):
                self._newest = message.number
                self._dispatcher.apply(message)
                self._pause = SHORTEST_PAUSE
                self.now()

    def _told(self, number: int, text: str | None) -> None:
        """The answer to a question; one that is no more under way is nobody's."""
        if number == self._asks and self._figures is not None and not self._figures.done():
            self._figures.set_result(text)

    async def _beat(self) -> None:
        while True:
            self.now()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _schedule(self, handle: asyncio.Handle, *, now: bool = False) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due, self._due_now = handle, now

    def _tell(self) -> None:
        self._due, self._due_now = None, False
        if self._writer is not None and self._writer.transport.get_write_buffer_size() < _UNREAD_LIMIT:
            # What it goes by of a controller before this one has a number that says nothing to this one.
            load = self._dispatcher.load()
            self._send(load if self._newest is not None else replace(load, snapshot=0))

    def _send(self, message: Message) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode(message))
