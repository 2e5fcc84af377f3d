"""The gateway's end of the line to one router."""

from __future__ import annotations

import asyncio
from typing import Final

from cloudlayer.gateway.envelope import CallError
from cloudlayer.gateway.versions import Ticket
from cloudlayer.runtime.router import messages
from cloudlayer.runtime.router.messages import Hello, Message, Refusal, Table

_UNREAD_LIMIT: Final = 4 * 1024**2


class RouterLine:
    """The line to one instance of a router; what it said last, and the tickets of the calls that want a place."""

    def __init__(self, hello: Hello, writer: asyncio.StreamWriter, now: float) -> None:
        self.machine = hello.machine
        self.instance = hello.instance
        self.heard = now
        self.busy: dict[str, int] = {}
        self.kept: dict[str, int] = {}
        self.wants: dict[int, Ticket] = {}
        self.table: Table | None = None
        self._writer = writer

    @property
    def is_open(self) -> bool:
        """Whether something may still be sent."""
        return not self._writer.is_closing()

    def send(self, message: Message) -> None:
        """Send a message; a router that reads nothing is hung up on."""
        if self._writer.transport.get_write_buffer_size() > _UNREAD_LIMIT:
            self.close()
        elif self.is_open:
            self._writer.write(messages.encode(message))

    def refuse(self, number: int, error: CallError) -> None:
        """There will be no place for the call that wanted one."""
        self.send(Refusal(number, error.error_type, error.message, error.status, error.code, error.retry_after))

    def close(self) -> None:
        """Hang up, and want nothing more."""
        self._writer.transport.abort()
        for ticket in list(self.wants.values()):
            ticket.abandon()
