"""Whoever dies when: no replica ever has more calls than its concurrency, and no place is lost for ever.

The real gateway's part and the real router's part, over real sockets, in an event loop whose time is made up: it goes on when
nothing else is to be done.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cloudlayer.fleet.routes import ReplicaRoute, Routes, router_token
from cloudlayer.gateway.dispatcher import UNHEARD_SECONDS, Dispatcher
from cloudlayer.gateway.envelope import CallError
from cloudlayer.gateway.routers import Routers
from cloudlayer.gateway.versions import Ticket
from cloudlayer.runtime.router.journal import Journal
from cloudlayer.runtime.router.line import Line
from cloudlayer.runtime.router.places import Lease

from .machines import MACHINE, token_of
from .made_up_time import MadeUpTime
from .stand_ins import PEPPER, version

KEY = "nlp/Echo/1.0.0"
TIMEOUT = 5.0
HERE = {"one": MACHINE, "two": MACHINE, "far": ""}


@dataclass(eq=False)
class Running:
    """A call on a replica; it ends when told to, at its deadline at the latest. `given_up`: its router was silent too long."""

    replica: str
    caller: Line | None
    given_up: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Deaths(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.real, self.path = Path(self.folder.name) / "real", Path(self.folder.name) / "line"
        self.loop = MadeUpTime()
        self.running: dict[Running, None] = {}  # in the order of their beginnings
        self.limit = 2
        self.replicas = ("one", "two", "far")
        self.number = 0
        self.most: Counter[str] = Counter()
        self.tasks: set[asyncio.Task[None]] = set()
        self.router_tasks: set[asyncio.Task[None]] = set()
        self.do(self.start_gateway())
        self.heal()
        self.do(self.start_router())
        self.let(1.0)

    # What there is

    async def start_gateway(self) -> None:
        self.dispatcher = Dispatcher()
        self.routers = Routers(self.dispatcher)
        await self.routers.listen(str(self.real))
        self.show()

    def show(self) -> None:
        self.number += 1
        routes = (ReplicaRoute(name, f"unix:/{name}", HERE[name], HERE[name] and f"unix:/{name}") for name in self.replicas)
        echo = version(KEY, *routes, concurrency=self.limit, timeout=TIMEOUT)
        self.dispatcher.apply(Routes(self.number, PEPPER, (token_of(MACHINE),), (echo,)))

    async def start_router(self) -> None:
        journal = Journal(Path(self.folder.name) / "journal", self.loop.time)
        token = router_token(bytes.fromhex(PEPPER), MACHINE)
        self.router = Line(str(self.path), MACHINE, token, journal)
        self.connected = self.loop.create_task(self.router.run())

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    def let(self, seconds: float) -> None:
        """Let some time pass."""
        self.do(asyncio.sleep(seconds))

    async def works(self, replica: str, caller: Line | None) -> None:
        call = Running(replica, caller)
        self.running[call] = None
        self.count()
        await asyncio.wait({self.loop.create_task(call.over.wait())}, timeout=TIMEOUT - 0.01)
        self.running.pop(call, None)

    def count(self) -> None:
        """Note the most calls that a replica ever has: what is raised in a task of a call is seen by nobody."""
        self.most |= Counter(call.replica for call in self.running if not call.given_up)

    async def inside(self) -> None:
        router = self.router
        try:
            place = await router.place(KEY, KEY, self.loop.time() + 20, lambda wanting: None)
        except CallError:
            return
        if isinstance(place, Lease):
            # Not to be cancelled: a replica works on though its router is dead.
            work = self.loop.create_task(self.works(place.replica, router))
            self.tasks.add(work)
            work.add_done_callback(self.tasks.discard)
            await asyncio.shield(work)
            router.release(place)

    async def outside(self) -> None:
        dispatcher = self.dispatcher
        ticket = Ticket(KEY, dispatcher.find(KEY))
        try:
            replica = await dispatcher.place(ticket, self.loop.time() + 20)
        except CallError:
            return
        await self.works(replica.id, None)
        dispatcher.release(ticket.state, replica)

    # What happens

    @rule()
    def a_replica_calls(self) -> None:
        task = self.loop.create_task(self.inside())
        self.router_tasks.add(task)
        task.add_done_callback(self.router_tasks.discard)
        self.let(0.001)

    @rule()
    def a_user_calls(self) -> None:
        task = self.loop.create_task(self.outside())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        self.let(0.001)

    @rule(which=st.integers(0, 63))
    def a_call_ends(self, which: int) -> None:
        """Nothing that is drawn hangs on what is there: sockets are real, and may be a moment slower the next time."""
        running = list(self.running)
        if running:
            running[which % len(running)].over.set()
        self.let(0.001)

    @rule(seconds=st.sampled_from([0.02, 0.3, 1.1, 3.0, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.let(seconds)

    @rule(replicas=st.sampled_from([("one",), ("one", "two"), ("one", "two", "far"), ("far",), ()]))
    def there_is_a_new_snapshot(self, replicas: tuple[str, ...]) -> None:
        self.replicas = replicas
        self.show()
        self.let(0.001)

    @rule(
        sides=st.sampled_from(["router", "gateway", "both"]), calls=st.integers(0, 2), broken_for=st.sampled_from([0, 0.5, 5])
    )
    def the_line_is_cut(self, sides: str, calls: int, broken_for: float) -> None:
        """What is under way on it is lost; calls that come in this moment have just been asked for."""
        for _ in range(calls):
            self.a_replica_calls()
        self.path.unlink(missing_ok=True)
        if sides != "gateway" and self.router._writer is not None:
            self.router._writer.transport.abort()
        if sides != "router":
            for line in list(self.routers._lines.values()):
                line.close()
        if broken_for:
            self.let(broken_for)
        self.heal()

    def heal(self) -> None:
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(self.real)

    @rule(deaf=st.sampled_from(["router", "gateway"]), seconds=st.sampled_from([0.5, 4.5, 7.0]))
    def one_side_hears_nothing(self, deaf: str, seconds: float) -> None:
        lines = list(self.routers._lines.values())
        writer = self.router._writer if deaf == "router" else (lines[0]._writer if lines else None)
        if writer is None or writer.is_closing():
            return
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        self.let(seconds)
        if not writer.is_closing():
            writer.transport.resume_reading()  # type: ignore[attr-defined]

    @rule(down_for=st.sampled_from([0.0, 1.0]))
    def the_router_is_killed(self, down_for: float) -> None:
        self.connected.cancel()
        for task in list(self.router_tasks):
            task.cancel()
        if self.router._writer is not None:
            self.router._writer.transport.abort()
        self.router._send = lambda message: None  # type: ignore[method-assign]
        self.router._journal.end = lambda lease: None  # type: ignore[method-assign]
        if self.router._due is not None:
            self.router._due.cancel()
        if down_for:
            self.let(down_for)
        self.do(self.start_router())
        self.let(0.001)

    @rule(calls=st.integers(0, 3))
    def the_gateway_is_started_anew(self, calls: int) -> None:
        """Its own calls are over first, and those of dead routers: nobody else knows of them. Others come at once."""
        self.let(0.5)
        self.restart_gateway()
        for _ in range(calls):
            self.a_user_calls()
        self.let(0.7)

    @rule(calls=st.integers(1, 5), until=st.sampled_from([1.5, 2.5, 3.4]), late=st.sampled_from([3.5, 4.5, 7.0]))
    def the_gateway_is_started_anew_while_a_line_says_nothing(self, calls: int, until: float, late: float) -> None:
        """The router takes the gateway before for one that is slow, and begins calls by its leases while they last."""
        self.let(0.5)
        lines = list(self.routers._lines.values())
        self.path.unlink(missing_ok=True)
        for line in lines:
            line._writer.transport.pause_reading()  # type: ignore[attr-defined]
            line.send = lambda message: None  # type: ignore[method-assign]
            line.close = lambda: None  # type: ignore[method-assign]
        self.restart_gateway()
        for _ in range(calls):
            self.a_user_calls()
        for _ in range(round(until / 0.5)):  # so that leases are kept in use
            self.let(0.5)
            for call in [call for call in self.running if call.caller is self.router]:
                call.over.set()
            self.let(0.001)
            self.a_replica_calls()
            self.a_replica_calls()
        self.let(min(late, UNHEARD_SECONDS - 0.1) - until)
        if late > UNHEARD_SECONDS:
            for call in self.running:
                call.given_up = call.caller is self.router
            self.let(late - UNHEARD_SECONDS)
        for line in lines:
            line._writer.transport.abort()
        self.heal()
        self.let(0.7)

    def restart_gateway(self) -> None:
        self.routers.close()
        self.dispatcher.drain()
        for call in [call for call in self.running if call.caller is not self.router]:
            call.over.set()
        self.let(0.01)
        self.do(self.start_gateway())

    @invariant()
    def no_replica_has_more_calls_than_it_may(self) -> None:
        assert all(calls <= self.limit for calls in self.most.values()), self.most

    @invariant()
    def leases_are_counted_as_they_are(self) -> None:
        leases = self.routers._leases
        for instance in {self.router._instance, *(lease.instance for lease in leases)}:
            assert leases.counts(instance) == Counter(lease.key for lease in leases if lease.instance == instance)

    def teardown(self) -> None:
        try:
            self.replicas = ("one", "two", "far")
            self.show()
            self.let(40.0)
            assert not self.running
            state = self.dispatcher.find(KEY)
            assert (state.balancer.in_flight, state.kept, len(state.balancer.waiting)) == (0, 0, 0), "a place is lost"
            before = len(self.running)
            for _ in range(self.limit * 3):
                self.a_user_calls()
            assert len(self.running) - before == self.limit * 3
            self.let(10.0)
        finally:
            self.routers.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.let(0.01)
            self.loop.close()
            self.folder.cleanup()


TestDeaths = Deaths.TestCase
TestDeaths.settings = settings(
    max_examples=40,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # what is not repeated exactly cannot be made smaller
)
