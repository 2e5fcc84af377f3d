"""What the gateway knows of every version, and who waits for what.

The newest snapshot, what has happened since (replicas lost, exits told), the calls that wait. It lives in the event loop;
times are the loop's.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from cloudlayer.fleet.routes import Exit, Load, Lost, Routes, VersionLoad, VersionRoute
from cloudlayer.gateway.auth import Keyring
from cloudlayer.gateway.balancer import Balancer, Replica
from cloudlayer.gateway.counting import CallCounts
from cloudlayer.gateway.envelope import CallError
from cloudlayer.gateway.metrics import Gauges, Meter, Metrics
from cloudlayer.gateway.replica_client import ReplicaClient
from cloudlayer.gateway.routing import references, unknown

TELL_SECONDS: Final = 0.05
REASON_SECONDS: Final = 0.5
_REMEMBERED_EXITS: Final = 4096

Waiter = asyncio.Future[Replica]


class Reports(Protocol):
    """Where the gateway's load and losses are told."""

    def now(self) -> None:
        """The load is worth telling at once."""

    def soon(self) -> None:
        """The load has changed."""

    def lost(self, lost: Lost) -> None:
        """A replica was lost."""


class VersionState:
    """One version: its route, its places, and when it was last at work and last told of."""

    def __init__(self, route: VersionRoute, meter: Meter) -> None:
        self.key = f"{route.function}/{route.version}"
        self.route = route
        self.meter = meter
        self.balancer: Balancer[Waiter] = Balancer()
        self.ended_at: float | None = None
        self.told_at = float("-inf")
        self.routed = True

    @property
    def busy(self) -> bool:
        """Whether a call runs or waits."""
        return bool(self.balancer.waiting) or self.balancer.in_flight > 0


class Ticket:
    """A call's claim to a place, which its caller may give up while it waits."""

    def __init__(self) -> None:
        self.withdraw: Callable[[], None] | None = None

    def abandon(self) -> None:
        """The caller has gone. A call that runs is left to finish: its function may be halfway through what it does."""
        if self.withdraw is not None:
            self.withdraw()


class Dispatcher:
    """Every version and replica; snapshots change them, calls take and leave their places."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.metrics = Metrics(self._gauges)
        self.counts = CallCounts()
        self.reports: Reports | None = None
        self.number: int | None = None
        self.keyring = Keyring()
        self.draining = False
        self._table: dict[str, str] = {}
        self._states: dict[str, VersionState] = {}
        self._clients: dict[str, ReplicaClient] = {}
        self._lost: dict[str, Lost] = {}
        self._exits: OrderedDict[str, Exit] = OrderedDict()
        self._reasons: dict[str, asyncio.Future[Exit]] = {}

    def find(self, reference: str) -> VersionState:
        """The version that a reference names; CallError (1001) if there is none."""
        key = self._table.get(reference)
        if key is None:
            raise unknown(reference, self._table)
        return self._states[key]

    def client(self, replica: Replica) -> ReplicaClient:
        """The connections to a replica."""
        return self._clients[replica.id]

    def apply(self, routes: Routes) -> None:
        """Take a snapshot, whole. Nothing has changed if it raises."""
        keyring = Keyring(routes.pepper, routes.credentials)
        table = references(frozenset((route.function, route.version) for route in routes.versions))
        clients = {replica.id: ReplicaClient(replica.address) for route in routes.versions for replica in route.replicas}
        self.number, self.keyring, self._table = routes.number, keyring, table
        self._lost.clear()
        for replica, client in clients.items():
            known = self._clients.get(replica)
            if known is None or known.closed or known.address != client.address:
                self._clients[replica] = client
                if known is not None:
                    known.close()
        current = {f"{route.function}/{route.version}": route for route in routes.versions}
        for key in self._states.keys() - current.keys():
            self._retire(self._states[key])
        for key, route in current.items():
            self._update(key, route)
        self._forget()

    def exited(self, exit: Exit) -> None:
        """A replica has ended, and never takes a call again."""
        self._exits[exit.replica] = exit
        if len(self._exits) > _REMEMBERED_EXITS:
            self._exits.popitem(last=False)
        for state in self._states.values():
            if exit.replica in state.balancer.replicas:
                state.balancer.lose(exit.replica)
                self._settle(state)
        reason = self._reasons.pop(exit.replica, None)
        if reason is not None and not reason.done():
            reason.set_result(exit)

    async def place(self, state: VersionState, ticket: Ticket, deadline: float, *, again: bool = False) -> Replica:
        """A place for one call, at once or in its turn; CallError when there will be none. `again`: it had one before."""
        quiet = not state.busy
        replica = state.balancer.take()
        if replica is None:
            return await self._wait(state, ticket, deadline, again)
        self._tell(state, urgent=quiet)
        return replica

    def release(self, state: VersionState, replica: Replica) -> None:
        """The call has left its place."""
        state.balancer.release(replica)
        state.ended_at = self._loop.time()
        if not replica.routed or not state.routed:
            self._forget()
        if state.balancer.waiting:
            self._settle(state)
        self._tell(state)

    def lose(self, state: VersionState, replica: Replica, *, stuck: bool = False) -> None:
        """The replica broke off a call, or is stuck in one: no calls for it, and the controller is told."""
        first = not replica.lost
        state.balancer.lose(replica.id)
        self._clients[replica.id].close()
        lost = Lost(replica.id, stuck)
        if first and self.reports is not None:
            self._lost[replica.id] = lost
            self.reports.lost(lost)
        self._settle(state)

    async def reason(self, replica: Replica) -> Exit | None:
        """How the replica ended, if the controller says so within half a second."""
        if replica.id in self._exits:
            return self._exits[replica.id]
        reason = self._reasons.setdefault(replica.id, self._loop.create_future())
        await asyncio.wait({reason}, timeout=REASON_SECONDS)
        self._reasons.pop(replica.id, None)
        return self._exits.get(replica.id)

    def drain(self) -> None:
        """Turn away what waits; what runs may end."""
        self.draining = True
        for state in self._states.values():
            self._fail_waiting(state, stopping)

    def load(self) -> Load:
        """What the gateway carries now."""
        called = [state for state in self._states.values() if state.ended_at is not None or state.busy]
        draining = [replica for state in self._states.values() for replica in state.balancer.draining]
        loads, calls = tuple(self._load_of(state) for state in called), self.counts.told(self._loop.time())
        return Load(self.number or 0, loads, tuple(draining), calls)

    def losses(self) -> list[Lost]:
        """The losses since the newest snapshot, for a controller that may not have heard of them."""
        return list(self._lost.values())

    async def _wait(self, state: VersionState, ticket: Ticket, deadline: float, again: bool) -> Replica:
        if self.draining:
            raise stopping()
        if not state.routed:
            raise unknown(state.key, self._table)
        if state.route.failure is not None and not state.balancer.usable:
            raise CallError(*state.route.failure)
        waiter: Waiter = self._loop.create_future()
        if not state.balancer.enqueue(waiter, first=again):
            raise CallError("TooManyRequestsError", f"too many calls wait for {state.key}", status=429, retry_after=1)
        ticket.withdraw = partial(_fail, state, waiter, _hung_up)
        timer = self._loop.call_at(deadline, _fail, state, waiter, partial(never_started, state.key))
        self._tell(state, urgent=True)
        try:
            return await waiter
        finally:
            timer.cancel()
            ticket.withdraw = None
            state.ended_at = self._loop.time()
            self._tell(state)

    def _update(self, key: str, route: VersionRoute) -> None:
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = VersionState(route, self.metrics.meter(route.function, route.version))
        state.route, state.routed = route, True
        state.balancer.update(route, self._exits)
        self._settle(state)

    def _retire(self, state: VersionState) -> None:
        state.routed = False
        state.balancer.retire()
        self._fail_waiting(state, partial(unknown, state.key, self._table))

    def _settle(self, state: VersionState) -> None:
        for waiter, replica in state.balancer.grants():
            waiter.set_result(replica)
        if state.route.failure is not None and not state.balancer.usable:
            self._fail_waiting(state, partial(CallError, *state.route.failure))

    def _fail_waiting(self, state: VersionState, error: Callable[[], CallError]) -> None:
        for waiter in list(state.balancer.waiting):
            _fail(state, waiter, error)

    def _forget(self) -> None:
        for key in [key for key, state in self._states.items() if not state.routed and not state.busy]:
            self._states.pop(key).meter.remove()
        known = {replica for state in self._states.values() for replica in state.balancer.replicas}
        for replica in self._clients.keys() - known:
            self._clients.pop(replica).close()

    def _tell(self, state: VersionState, *, urgent: bool = False) -> None:
        if self.reports is None:
            return
        now = self._loop.time()
        if urgent and now - state.told_at >= TELL_SECONDS:
            state.told_at = now
            self.reports.now()
        else:
            self.reports.soon()

    def _load_of(self, state: VersionState) -> VersionLoad:
        in_flight, waiting = state.balancer.in_flight, len(state.balancer.waiting)
        idle = 0.0 if in_flight or waiting or state.ended_at is None else self._loop.time() - state.ended_at
        return VersionLoad(state.key, in_flight, waiting, round(idle, 3))

    def _gauges(self) -> list[Gauges]:
        return [
            Gauges(
                state.route.function,
                state.route.version,
                state.balancer.in_flight,
                len(state.balancer.waiting),
                sum(replica.routed and not replica.lost for replica in state.balancer.replicas.values()),
            )
            for state in self._states.values()
        ]


def stopping() -> CallError:
    """What calls get that come or wait while the gateway stops."""
    return CallError("UnavailableError", "the gateway is stopping", status=503, retry_after=1)


def _fail(state: VersionState, waiter: Waiter, error: Callable[[], CallError]) -> None:
    state.balancer.leave(waiter)
    if not waiter.done():
        waiter.set_exception(error())


def never_started(key: str) -> CallError:
    """What a call gets whose time is over before a replica has it."""
    return CallError("TimeoutError", f"the call's time was over before {key} had room for it; it never started")


def _hung_up() -> CallError:
    return CallError("UnavailableError", "the caller hung up before the call started", status=503)
