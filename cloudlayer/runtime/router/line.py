"""The router's end of the line to the gateway: places are asked for and given back, reports go out.

When the line breaks, calls that have a place go on, those that want one wait until the line is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import traceback
from typing import Final

from . import messages
from .journal import Journal
from .messages import (
    LINE_LIMIT,
    REPORT_SECONDS,
    TERM_SECONDS,
    Done,
    Elsewhere,
    Fault,
    Grant,
    Heard,
    Hello,
    Leave,
    Message,
    Reason,
    Recall,
    Refusal,
    Report,
    Return,
    Table,
    Want,
)
from .places import Lease, Places
from .wanting import Waiting, Wanting, away, never_started

AWAY_SECONDS: Final = 10.0
"""How long calls wait for a line that is broken."""
REASON_SECONDS: Final = 1.0
SHORTEST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5

_SOON_SECONDS: Final = 0.05
_TICK_SECONDS: Final = 0.25
_UNREAD_LIMIT: Final = 1024**2
_MOST_UNTOLD: Final = 100_000


class Line:
    """Keeps a connection to the gateway's socket at `path`, as the router of `machine`."""

    def __init__(self, path: str, machine: str, token: str, journal: Journal) -> None:
        self.table = Table({}, {}, {})
        self._path = path
        self._machine = machine
        self._token = token
        self._instance = os.urandom(8).hex()
        self._journal = journal
        self._loop = asyncio.get_running_loop()
        self._places = Places()
        self._writer: asyncio.StreamWriter | None = None
        self._down_since = self._loop.time()
        self._pause = SHORTEST_PAUSE
        self._wants: dict[int, Wanting] = {}
        self._numbers = 0
        self._reasons: dict[str, asyncio.Future[Reason]] = {}
        self._faults: list[Fault] = []
        self._reports: dict[int, float] = {}
        self._reported_at = float("-inf")
        self._heard_at = float("-inf")
        self._done: list[Done] = []
        self._due: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Stay connected, for ever."""
        ticking = self._loop.create_task(self._tick())
        try:
            while True:
                with contextlib.suppress(OSError):
                    reader, writer = await asyncio.open_unix_connection(self._path, limit=LINE_LIMIT)
                    await self._serve(reader, writer)
                self._give_up()
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
        finally:
            ticking.cancel()

    async def place(
        self, key: str, reference: str, deadline: float, waiting: Waiting, *, again: bool = False
    ) -> Lease | Elsewhere:
        """A place for one call of the version `key`, or word that it is elsewhere; CallError when there will be none.

        If that version is gone, it is one of another that the `reference` names. `waiting` is told what the call waits by, and
        None when it waits no longer.
        """
        place = self._places.take(key, self._loop.time()) or await self._ask(key, reference, deadline, waiting, again)
        if isinstance(place, Lease):
            self._journal.begin(place.id, place.entry.timeout)
            self._soon()
        return place

    def release(self, lease: Lease, *, keep: bool = True) -> None:
        """The call has left its place; with `keep` False it is given back at once."""
        self._journal.end(lease.id)
        self._return(self._places.release(lease, self._loop.time(), keep=keep))
        self._soon()

    def done(self, done: Done) -> None:
        """A call has ended."""
        if len(self._done) < _MOST_UNTOLD:
            self._done.append(done)
        self._soon()

    async def fault(self, lease: Lease, how: str, why: str, request_id: str) -> Reason | None:
        """Tell what happened to a replica. Of one that broke off its call: what the gateway knows, if it says so soon."""
        fault = Fault(lease.id, lease.key, lease.replica, how, why[:200], request_id)
        if self._writer is None:
            self._faults.append(fault)
            return None
        self._send(fault)
        if how != "broken":
            return None
        reason: asyncio.Future[Reason] = self._loop.create_future()
        self._reasons[lease.id] = reason
        try:
            async with asyncio.timeout(REASON_SECONDS):
                return await reason
        except TimeoutError:
            return None
        finally:
            self._reasons.pop(lease.id, None)

    def close(self) -> None:
        """Tell what is not told yet, give back what no call uses, and hang up."""
        self._report()
        self._return(self._places.stale(float("inf")))
        if self._writer is not None:
            self._writer.close()

    async def _ask(self, key: str, reference: str, deadline: float, waiting: Waiting, again: bool) -> Lease | Elsewhere:
        self._numbers += 1
        number, now = self._numbers, self._loop.time()
        wanting = self._wants[number] = Wanting(key, reference, now, deadline, again, self._loop.create_future())
        self._send(self._want(number, wanting))
        # The gateway refuses a call whose time is over; this timer is for a line that says nothing.
        timer = self._loop.call_at(deadline + 1.0, wanting.fail, never_started(key))
        waiting(wanting)
        try:
            return await wanting.answer
        except asyncio.CancelledError:
            if wanting.answer.done() and not wanting.answer.cancelled() and wanting.answer.exception() is None:
                self._unused(wanting.answer.result())
            raise
        finally:
            waiting(None)
            timer.cancel()
            if self._wants.pop(number, None) is not None:
                self._send(Leave(number))

    def _unused(self, place: Lease | Elsewhere) -> None:
        if isinstance(place, Lease):
            self.release(place)

    def _want(self, number: int, wanting: Wanting) -> Want:
        seconds = round(max(0.0, wanting.deadline - self._loop.time()), 3)
        return Want(number, wanting.key, wanting.reference, seconds, wanting.again)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._heard_at = self._loop.time()
        held, faults = self._places.held, tuple(self._faults)
        before = self._journal.before if self._journal.before != self._instance else ""
        left = self._journal.left
        self._send(Hello(self._machine, self._token, self._instance, held, faults, before, left))
        self._report()
        for number, wanting in list(self._wants.items()):
            self._send(self._want(number, wanting))
        try:
            while text := await reader.readline():
                self._take(messages.decode(text))
        except OSError:
            pass  # cut off: connect again
        except Exception:  # Whatever the gateway sends, the router serves on.
            traceback.print_exc()
        finally:
            self._cut()

    def _cut(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._writer = None
        self._down_since = self._loop.time()
        self._reports.clear()
        self._places.cut()

    def _take(self, message: Message) -> None:
        if isinstance(message, Grant):
            self._granted(message)
        elif isinstance(message, Elsewhere | Refusal):
            wanting = self._wants.pop(message.number, None)
            if isinstance(message, Refusal) and wanting is not None:
                wanting.refuse(message)
            elif isinstance(message, Elsewhere) and wanting is not None and not wanting.answer.done():
                wanting.answer.set_result(message)
        elif isinstance(message, Recall):
            self._return(self._places.recall(message.leases))
        elif isinstance(message, Heard):
            self._heard(message.number)
        elif isinstance(message, Table):
            self.table = message
        elif isinstance(message, Reason) and (reason := self._reasons.get(message.lease)) is not None and not reason.done():
            reason.set_result(message)

    def _granted(self, grant: Grant) -> None:
        wanting = self._wants.get(grant.number)
        if self._loop.time() >= self._places.valid_until:
            # It was under way for so long that the gateway may count it as over.
            self._cut()
        elif wanting is None or wanting.answer.done():
            self._return((grant.lease,))
        else:
            del self._wants[grant.number]
            lease = Lease(grant.lease, grant.key, grant.replica, grant.address, grant.entry)
            self._places.granted(lease)
            wanting.answer.set_result(lease)

    def _heard(self, number: int) -> None:
        self._pause = SHORTEST_PAUSE
        self._heard_at = self._loop.time()
        sent = self._reports.pop(number, None)
        if sent is not None:
            # What came before it was heard as well: who the router is, and what it could not tell before.
            self._places.heard(sent)
            self._journal.told(self._instance)
            self._faults.clear()

    def _give_up(self) -> None:
        now = self._loop.time()
        for wanting in self._wants.values():
            if now - max(wanting.since, self._down_since) >= AWAY_SECONDS:
                wanting.fail(away())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = self._loop.time()
            self._return(self._places.stale(now))
            if self._writer is not None and now - self._heard_at > TERM_SECONDS:
                self._cut()
            elif now - self._reported_at >= REPORT_SECONDS - _TICK_SECONDS:
                self._report()

    def _soon(self) -> None:
        if self._due is None:
            self._due = self._loop.call_later(_SOON_SECONDS, self._report)

    def _report(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._writer is None or self._writer.transport.get_write_buffer_size() > _UNREAD_LIMIT:
            return
        self._numbers += 1
        self._reported_at = self._reports[self._numbers] = self._loop.time()
        self._send(Report(self._numbers, self._places.busy, tuple(self._done)))
        self._done.clear()

    def _return(self, leases: tuple[str, ...]) -> None:
        if leases:
            self._send(Return(leases))

    def _send(self, message: Message) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(messages.encode(message))
