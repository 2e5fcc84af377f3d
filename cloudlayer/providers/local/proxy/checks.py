"""Health: each target is asked on each port that matters, again and again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from cloudlayer.providers.local.proxy.settings import Check

_LONGEST: Final = 5.0
_WELL: Final = range(200, 400)


class Checked:
    """The health of one target on one port. The first answer ends "initial"; then it takes as many as the check says."""

    def __init__(self, address: str, port: int, check: Check, changed: Callable[[], None]) -> None:
        self.state = "initial"
        self.reason: str | None = "it was not asked yet"
        self._where = (address, port)
        self._check = check
        self._changed = changed
        self._in_a_row = 0
        self._task = asyncio.ensure_future(self._ask_for_ever())

    def close(self) -> None:
        """Ask no more."""
        self._task.cancel()

    async def _ask_for_ever(self) -> None:
        while True:
            self._take(await self._ask())
            await asyncio.sleep(self._check.interval)

    async def _ask(self) -> str | None:
        """What is wrong; None if it is well."""
        try:
            async with asyncio.timeout(min(self._check.interval, _LONGEST)):
                reader, writer = await asyncio.open_connection(*self._where)
                try:
                    return await self._request(reader, writer) if self._check.protocol == "http" else None
                finally:
                    writer.close()
        except TimeoutError:
            return "it did not answer in time"
        except OSError as error:
            return f"it cannot be reached: {error.strerror or error}"

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
        host = f"{self._where[0]}:{self._where[1]}"
        writer.write(f"GET {self._check.path or '/'} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        with contextlib.suppress(ValueError):  # a line without an end
            words = (await reader.readline()).split(None, 2)
            if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit():
                return None if int(words[1]) in _WELL else f"it answered {int(words[1])}"
        return "it does not speak HTTP"

    def _take(self, fault: str | None) -> None:
        found = "unhealthy" if fault else "healthy"
        self._in_a_row = 0 if found == self.state else self._in_a_row + 1
        needed = self._check.unhealthy_after if fault else self._check.healthy_after
        if self.state == "initial" or self._in_a_row >= needed or found == self.state:
            before = (self.state, self.reason)
            self.state, self.reason, self._in_a_row = found, fault, 0
            if before != (self.state, self.reason):
                self._changed()
