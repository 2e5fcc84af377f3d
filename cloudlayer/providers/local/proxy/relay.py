"""A connection and its other half: what comes from one goes to the other, as fast as the slower one takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_BUFFER: Final = memoryview(bytearray(256 * 1024))
"""Of all connections: what is read into it is taken out before anything else happens."""
_HIGH_WATER: Final = 1024 * 1024


class Half(asyncio.BufferedProtocol):
    """One side of a relayed connection. Before it is joined to its other side it holds what came."""

    def __init__(self, made: Callable[[Half], None] | None = None) -> None:
        """`made` is called once it is connected; `ended`, if it is set, once it is closed."""
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self.ended: Callable[[Half], None] | None = None
        self._made = made
        self._other: Half | None = None
        self._early: list[bytes] = []
        self._read_all = False

    def join(self, other: Half) -> None:
        """Relay from now on, both ways."""
        for half, theirs in ((self, other), (other, self)):
            half._other = theirs
        for half in (self, other):
            half._flush()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is connected."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (asyncio gives it for streams)
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        self.transport = transport
        if self._made is not None:
            self._made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where what comes is put."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Something came."""
        content = bytes(_BUFFER[:nbytes])
        if self._other is None or self._other.transport is None:
            self._early.append(content)
            self._pause(True)
        else:
            self._other.transport.write(content)

    def eof_received(self) -> bool:
        """Nothing comes any more; what goes the other way still does."""
        self._read_all = True
        if self._other is not None:
            self._pass_end(self._other)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, and so its other side."""
        self.lost = True
        if self.ended is not None:
            self.ended(self)
        if self._other is not None and self._other.transport is not None:
            if exc is None:
                self._other.transport.close()
            else:
                self._other.transport.abort()

    def pause_writing(self) -> None:
        """It takes no more for now."""
        if self._other is not None:
            self._other._pause(True)

    def resume_writing(self) -> None:
        """It takes more."""
        if self._other is not None:
            self._other._pause(False)

    def abort(self) -> None:
        """Close it at once, and its other side with it."""
        if self.transport is not None:
            self.transport.abort()

    def _flush(self) -> None:
        other = self._other
        if other is None or other.transport is None:
            return
        early, self._early = self._early, []
        self._pause(False)
        for content in early:
            other.transport.write(content)
        if self._read_all:
            self._pass_end(other)
        if self.lost:
            other.transport.close()

    def _pass_end(self, other: Half) -> None:
        if other.transport is None:
            return
        if other._read_all:
            other.transport.close()
            if self.transport is not None:
                self.transport.close()
        elif not other.transport.is_closing():
            other.transport.write_eof()

    def _pause(self, paused: bool) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if paused and transport.is_reading():
            transport.pause_reading()
        elif not paused and not transport.is_reading():
            transport.resume_reading()
