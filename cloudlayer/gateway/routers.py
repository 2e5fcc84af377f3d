"""The gateway's end of the lines to the routers on the machines: it leases them places of their own machines' replicas.

A lease is a place like any other, taken in the queue's order. Whoever waits makes the gateway ask for the leases of that
version back; one whose router is silent ends by time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Final

from cloudlayer.fleet.routes import Routes
from cloudlayer.gateway.balancer import Replica
from cloudlayer.gateway.caller import died
from cloudlayer.gateway.dispatcher import Dispatcher
from cloudlayer.gateway.envelope import CallError
from cloudlayer.gateway.leases import Lease, Leases
from cloudlayer.gateway.logs import log
from cloudlayer.gateway.metrics import SUCCESS
from cloudlayer.gateway.router_line import RouterLine
from cloudlayer.gateway.tables import Tables
from cloudlayer.gateway.versions import Ticket, VersionState
from cloudlayer.runtime.router import messages
from cloudlayer.runtime.router.messages import (
    LINE_LIMIT,
    TERM_SECONDS,
    Done,
    Elsewhere,
    Entry,
    Fault,
    Grant,
    Heard,
    Held,
    Hello,
    Leave,
    Message,
    Reason,
    Recall,
    Report,
    Return,
    Want,
)

HELLO_SECONDS: Final = 5.0
KEPT_SECONDS: Final = 10.0
"""How long a place elsewhere is kept for a call that comes through its router."""

_TICK_SECONDS: Final = 0.25


class Routers:
    """All lines to routers, and their leases. It lives in the event loop; times are the loop's."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._loop = asyncio.get_running_loop()
        self._leases = Leases(os.urandom(6).hex())
        self._lines: dict[str, RouterLine] = {}
        self._places: dict[str, tuple[VersionState, Replica, asyncio.TimerHandle]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._tables: Tables | None = None
        self._server: asyncio.Server | None = None
        dispatcher.leasing = self

    async def listen(self, path: str) -> None:
        """Serve routers on a unix socket, which its user alone may use."""
        self._server = await asyncio.start_unix_server(self._serve, path, limit=LINE_LIMIT)
        Path(path).chmod(0o600)
        self._spawn(self._tick())

    def close(self) -> None:
        """Hang up. Calls that have their place go on without us."""
        if self._server is not None:
            self._server.close()
        for line in list(self._lines.values()):
            line.close()

    def claim(self, state: VersionState, place: bytes | None) -> Replica | None:
        """The place that was kept for a call which comes through its router, if it is there still."""
        name = (place or b"").decode("latin-1")
        if name not in self._places or self._places[name][0] is not state:
            return None
        _, replica, timer = self._places.pop(name)
        timer.cancel()
        return replica

    def routed(self, routes: Routes) -> None:
        """Tell routers what has changed for them, and ask for leases of replicas back that take no more calls."""
        self._tables = Tables(routes, self._dispatcher.references)
        for line in self._lines.values():
            self._tell(line)
        self._recall(lease for lease in self._leases if not lease.replica.routed or lease.replica.lost)

    def wanted(self, state: VersionState) -> None:
        """A call waits: what routers have of its version is asked back."""
        self._recall(self._leases.of_version(state.key))

    def ended(self, replica: str) -> None:
        """Nothing works on a replica any more."""
        self._release(self._leases.gone(replica))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line: RouterLine | None = None
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                line = self._greet(messages.decode(await reader.readline()), writer)
            while line is not None and (text := await reader.readline()):
                line.heard = self._loop.time()
                self._take(line, messages.decode(text))
        except Exception as error:  # Whatever a router sends, the gateway serves on.
            log("router line broken", machine=line.machine if line else "", error=f"{type(error).__name__}: {error}"[:200])
        finally:
            writer.transport.abort()
            if line is not None:
                self._end(line)

    def _greet(self, hello: Message, writer: asyncio.StreamWriter) -> RouterLine | None:
        if not isinstance(hello, Hello) or self._tables is None:
            return None
        if not self._dispatcher.keyring.is_router(hello.machine, hello.token):
            log("router refused", machine=hello.machine[:80])
            return None
        for before in (hello.instance, hello.before):
            if before in self._lines:
                self._end(self._lines[before])
        line = self._lines[hello.instance] = RouterLine(hello, writer, self._loop.time())
        log("router connected", machine=line.machine, instance=line.instance)
        for fault in hello.faults:
            self._blame(line, fault)
        ended, unknown = self._leases.greet(line.instance, hello.held)
        for held in unknown:
            self._adopt(line, held)
        self._release([*ended, *self._leases.bury(hello.before, hello.left, line.heard)])
        self._dispatcher.heard((line.machine,))
        self._tell(line)
        # Those who wait already have asked in vain while there was no line.
        self._recall(lease for lease in self._leases if (state := self._state(lease)) and state.balancer.waiting)
        return line

    def _adopt(self, line: RouterLine, held: Held) -> None:
        """A call that runs by a lease of the gateway before this one has its place, however many others there are."""
        state = self._dispatcher.state(held.key)
        if state is not None:
            replica = state.balancer.adopt(held.replica)
            self._leases.adopt(Lease(held.lease, line.machine, line.instance, held.key, replica, state.route.timeout))
            self._dispatcher.worked(state)

    def _end(self, line: RouterLine) -> None:
        line.close()
        if self._lines.get(line.instance) is line:
            del self._lines[line.instance]
            self._leases.orphan(line.instance, line.heard)
            line.busy = dict(self._leases.counts(line.instance))
            self._count(line, line.kept)
            log("router gone", machine=line.machine, instance=line.instance)

    def _take(self, line: RouterLine, message: Message) -> None:
        if isinstance(message, Want):
            self._want(line, message)
        elif isinstance(message, Leave) and message.number in line.wants:
            line.wants[message.number].abandon()
        elif isinstance(message, Return):
            self._release(self._leases.end(line.machine, message.leases))
        elif isinstance(message, Fault):
            self._blame(line, message)
            if message.how == "broken":
                self._spawn(self._explain(line, message))
        elif isinstance(message, Report):
            self._note(line, message)

    def _want(self, line: RouterLine, want: Want) -> None:
        """Find a place for a call. If the version is gone that its router took it for, its reference names another."""
        try:
            state = self._dispatcher.state(want.key) or self._dispatcher.find(want.reference)
        except CallError as error:
            line.refuse(want.number, error)
            return
        # Before anything else is read: the router may take it back, or be gone, before the search has begun.
        ticket = line.wants[want.number] = Ticket(want.reference, state)
        self._spawn(self._find(line, want, ticket))

    async def _find(self, line: RouterLine, want: Want, ticket: Ticket) -> None:
        """A place for a call, in its turn; on its own machine if there is one."""
        deadline = self._loop.time() + want.seconds
        try:
            replica = await self._dispatcher.place(ticket, deadline, again=want.again, machine=line.machine)
        except CallError as error:
            line.refuse(want.number, error)
            return
        finally:
            line.wants.pop(want.number, None)
        if not line.is_open:
            self._dispatcher.release(ticket.state, replica)
        elif replica.machine == line.machine:
            self._grant(line, want, ticket.state, replica)
        else:
            self._keep(line, want, ticket.state, replica)

    def _grant(self, line: RouterLine, want: Want, state: VersionState, replica: Replica) -> None:
        lease = self._leases.grant(line.machine, line.instance, state.key, replica, state.route.timeout)
        line.busy[state.key] = line.busy.get(state.key, 0) + 1
        entry = Entry(state.route.timeout, state.route.idempotent)
        line.send(Grant(want.number, lease.id, state.key, replica.id, replica.inner_address, entry))
        self._count(line, (state.key,))
        self._dispatcher.worked(state)
        if state.balancer.waiting:
            self._recall((lease,))

    def _keep(self, line: RouterLine, want: Want, state: VersionState, replica: Replica) -> None:
        place = os.urandom(16).hex()
        self._places[place] = (state, replica, self._loop.call_later(KEPT_SECONDS, self._forfeit, place))
        line.send(Elsewhere(want.number, place))

    def _forfeit(self, place: str) -> None:
        state, replica, _ = self._places.pop(place)
        self._dispatcher.release(state, replica)

    def _blame(self, line: RouterLine, fault: Fault) -> None:
        state = self._dispatcher.state(fault.key)
        replica = state.balancer.replicas.get(fault.replica) if state is not None else None
        if state is not None and replica is not None and replica.routed and replica.machine == line.machine:
            log("replica lost", replica=replica.id, version=state.key, why=fault.why[:200], request_id=fault.request_id)
            self._dispatcher.lose(state, replica, stuck=fault.how == "stuck")

    async def _explain(self, line: RouterLine, fault: Fault) -> None:
        error = await died(self._dispatcher, fault.key, Replica(fault.replica, ""))
        line.send(Reason(fault.lease, error.error_type, error.message))

    def _note(self, line: RouterLine, report: Report) -> None:
        line.busy = dict(report.busy)
        line.send(Heard(report.number))
        self._count(line, {*report.busy, *line.kept})
        for done in report.done:
            self._note_call(done)

    def _note_call(self, done: Done) -> None:
        state = self._dispatcher.state(done.key)
        if state is None:
            return
        state.meter.count(done.outcome, done.seconds)
        self._dispatcher.metrics.routed()
        if done.outcome == SUCCESS:
            self._dispatcher.counts.count(done.caller, state.route.function, done.size)
        else:
            fields = {"request_id": done.request_id, "version": state.key, "outcome": done.outcome[:80]}
            log("call", **fields, seconds=done.seconds)
        self._dispatcher.worked(state)

    def _count(self, line: RouterLine, keys: Iterable[str]) -> None:
        """Work out anew which of a router's places it merely keeps."""
        counts = self._leases.counts(line.instance)
        for key in list(keys):
            kept = max(0, counts.get(key, 0) - line.busy.get(key, 0))
            state = self._dispatcher.state(key)
            if state is not None and kept != line.kept.get(key, 0):
                state.kept += kept - line.kept.get(key, 0)
                self._dispatcher.worked(state)
            line.kept[key] = kept
            if not kept:
                del line.kept[key]

    def _release(self, leases: Iterable[Lease]) -> None:
        ended = list(leases)
        for line in {lease.instance: self._lines.get(lease.instance) for lease in ended}.values():
            if line is not None:
                self._count(line, {lease.key for lease in ended})
        for lease in ended:
            state = self._state(lease)
            if state is not None:
                self._dispatcher.release(state, lease.replica)

    def _state(self, lease: Lease) -> VersionState | None:
        return self._dispatcher.state(lease.key)

    def _recall(self, leases: Iterable[Lease]) -> None:
        for instance, ids in self._leases.recall(leases).items():
            if instance in self._lines:
                self._lines[instance].send(Recall(ids))

    def _tell(self, line: RouterLine) -> None:
        table = self._tables.of(line.machine) if self._tables is not None else None
        if table is not None and table != line.table:
            line.table = table
            line.send(table)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = self._loop.time()
            for line in [each for each in self._lines.values() if now - each.heard > TERM_SECONDS]:
                line.close()
            self._release(self._leases.expire(now))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
