"""What the gateway knows of every version, and who waits for what.

The newest snapshot, what has happened since (replicas lost, exits told), the calls that wait. It lives in the event loop;
times are the loop's.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from cloudlayer.fleet.routes import DataAccess, Exit, Load, Lost, Routes, VersionLoad, VersionRoute
from cloudlayer.gateway.auth import Keyring
from cloudlayer.gateway.balancer import Replica
from cloudlayer.gateway.counting import CallCounts
from cloudlayer.gateway.envelope import CallError
from cloudlayer.gateway.leases import MARGIN_SECONDS
from cloudlayer.gateway.metrics import Gauges, Metrics
from cloudlayer.gateway.replica_client import ReplicaClient
from cloudlayer.gateway.routing import references, unknown
from cloudlayer.gateway.versions import Leasing, Reports, Ticket, VersionState, hung_up, stopping
from cloudlayer.runtime.router.messages import TERM_SECONDS

TELL_SECONDS: Final = 0.05
REASON_SECONDS: Final = 0.5
UNHEARD_SECONDS: Final = TERM_SECONDS + MARGIN_SECONDS
"""How long a router may begin calls by leases of the gateway before this one, on a line that says nothing."""
_REMEMBERED_EXITS: Final = 4096
# The store's word for it, whose module would bring SQLAlchemy along.
LOST: Final = "lost"
_AWAY: Final = "the connection to its machine was lost"


class Dispatcher:
    """Every version and replica; snapshots change them, calls take and leave their places."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.metrics = Metrics(self._gauges)
        self.counts = CallCounts()
        self.reports: Reports | None = None
        self.leasing: Leasing | None = None
        self.unheard: set[str] = set()
        self.number: int | None = None
        self.keyring = Keyring()
        self.data = DataAccess()
        self.draining = False
        self._table: dict[str, str] = {}
        self._states: dict[str, VersionState] = {}
        self._clients: dict[str, ReplicaClient] = {}
        self._lost: dict[str, Lost] = {}
        self._exits: OrderedDict[str, Exit] = OrderedDict()
        self._away: dict[str, Exit] = {}
        self._reasons: dict[str, asyncio.Future[Exit]] = {}

    def find(self, reference: str) -> VersionState:
        """The version that a reference names; CallError (1001) if there is none."""
        key = self._table.get(reference)
        if key is None:
            raise unknown(reference, self._table)
        return self._states[key]

    def state(self, key: str) -> VersionState | None:
        """The version of that key, also one that only has calls left to end."""
        return self._states.get(key)

    @property
    def references(self) -> Mapping[str, str]:
        """From every reference to the key that it names."""
        return self._table

    def client(self, replica: Replica) -> ReplicaClient:
        """The connections to a replica."""
        return self._clients[replica.id]

    def apply(self, routes: Routes) -> None:
        """Take a snapshot, whole. Nothing has changed if it raises."""
        keyring = Keyring(routes.pepper, routes.credentials)
        named = [(route.function, route.version, route.candidate) for route in routes.versions]
        unproven = frozenset((function, version) for function, version, candidate in named if candidate)
        table = references(frozenset((function, version) for function, version, _ in named), unproven)
        clients = {replica.id: ReplicaClient(replica.address) for route in routes.versions for replica in route.replicas}
        if self.number is None:
            self._await_routers(routes)
        self.number, self.keyring, self._table = routes.number, keyring, table
        self.data = routes.data
        self._lost.clear()
        for replica, client in clients.items():
            known = self._clients.get(replica)
            if known is None or known.closed or known.address != client.address:
                self._clients[replica] = client
                if known is not None:
                    client.follow(known)
                    known.close()
        current = {f"{route.function}/{route.version}": route for route in routes.versions}
        for key, route in current.items():
            self._update(key, route)
        self._retire([state for key, state in self._states.items() if key not in current])
        self._away = {replica: Exit(replica, LOST, _AWAY) for replica in routes.away}
        for away in self._away.values():
            self._end(away)
        self._forget()
        if self.leasing is not None:
            self.leasing.routed(routes)

    def heard(self, machines: Iterable[str]) -> None:
        """What the routers of these machines do is known, or will not be: their replicas take calls."""
        self.unheard.difference_update(machines)
        for state in self._states.values():
            state.settle()

    def exited(self, exit: Exit) -> None:
        """A replica has ended, and never takes a call again."""
        self._exits[exit.replica] = exit
        if len(self._exits) > _REMEMBERED_EXITS:
            self._exits.popitem(last=False)
        self._end(exit)
        if self.leasing is not None:
            self.leasing.ended(exit.replica)

    def _end(self, exit: Exit) -> None:
        """Give a replica no more calls. Those on a machine that is lost end here; others hear of their end by themselves."""
        for state in self._states.values():
            if exit.replica in state.balancer.replicas:
                state.balancer.lose(exit.replica)
                state.settle()
        if exit.reason == LOST and exit.replica in self._clients:
            self._clients[exit.replica].sever()
        reason = self._reasons.pop(exit.replica, None)
        if reason is not None and not reason.done():
            reason.set_result(exit)

    async def place(self, ticket: Ticket, deadline: float, *, again: bool = False, machine: str = "") -> Replica:
        """A place for one call, of the version that is the ticket's by then; CallError when there will be none.

        It comes at once or in the call's turn. One on `machine` is preferred. `again`: the call had a place before.
        """
        if not ticket.state.routed:
            ticket.state = self.find(ticket.reference)
        state = ticket.state
        quiet = not state.busy
        replica = state.balancer.take(machine)
        if replica is None:
            return await self._wait(ticket, deadline, again, machine)
        self._tell(state, urgent=quiet)
        return replica

    def release(self, state: VersionState, replica: Replica) -> None:
        """The call has left its place."""
        state.balancer.release(replica)
        state.ended_at = self._loop.time()
        if not replica.routed or not state.routed:
            self._forget()
        if state.balancer.waiting:
            state.settle()
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
        state.settle()

    async def reason(self, replica: Replica) -> Exit | None:
        """How the replica ended or was lost, if the controller says so within half a second."""
        if (known := self._exits.get(replica.id) or self._away.get(replica.id)) is not None:
            return known
        reason = self._reasons.setdefault(replica.id, self._loop.create_future())
        await asyncio.wait({reason}, timeout=REASON_SECONDS)
        self._reasons.pop(replica.id, None)
        return reason.result() if reason.done() else None

    def drain(self) -> None:
        """Turn away what waits; what runs may end."""
        self.draining = True
        for state in self._states.values():
            state.turn_away(stopping)

    def load(self) -> Load:
        """What the gateway carries now."""
        called = [state for state in self._states.values() if state.ended_at is not None or state.busy]
        draining = [replica for state in self._states.values() for replica in state.balancer.draining]
        loads, calls = tuple(self._load_of(state) for state in called), self.counts.told(self._loop.time())
        return Load(self.number or 0, loads, tuple(draining), calls, whole=not self.unheard)

    def losses(self) -> list[Lost]:
        """The losses since the newest snapshot, for a controller that may not have heard of them."""
        return list(self._lost.values())

    def worked(self, state: VersionState) -> None:
        """Calls ran, or run, by leases."""
        state.ended_at = self._loop.time()
        self._tell(state)

    async def _wait(self, ticket: Ticket, deadline: float, again: bool, machine: str) -> Replica:
        state = ticket.state
        if self.draining:
            raise stopping()
        if ticket.gone:
            raise hung_up()
        if state.route.failure is not None and not state.balancer.usable:
            raise CallError(*state.route.failure)
        place: asyncio.Future[Replica] = self._loop.create_future()
        if not ticket.wait(place, first=again, machine=machine):
            raise CallError("TooManyRequestsError", f"too many calls wait for {state.key}", status=429, retry_after=1)
        timer = self._loop.call_at(deadline, ticket.expire)
        self._wanted(state)
        try:
            return await place
        finally:
            timer.cancel()
            ticket.place = None
            ticket.state.ended_at = self._loop.time()
            self._tell(ticket.state)

    def _wanted(self, state: VersionState) -> None:
        self._tell(state, urgent=True)
        if self.leasing is not None:
            self.leasing.wanted(state)

    def _update(self, key: str, route: VersionRoute) -> None:
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = VersionState(route, self.metrics.meter(route.function, route.version), self.unheard)
        state.route, state.routed = route, True
        state.balancer.update(route, self._exits)
        state.settle()

    def _await_routers(self, routes: Routes) -> None:
        """Routers may still call replicas by leases of the gateway before this one: give them a moment to say so."""
        machines = {replica.machine for route in routes.versions for replica in route.replicas if replica.machine}
        if machines:
            self.unheard |= machines
            self._loop.call_later(UNHEARD_SECONDS, self.heard, machines)

    def _retire(self, states: Iterable[VersionState]) -> None:
        """These versions are gone. Their queues are not: each call waits for what its reference names now, if anything."""
        heirs: dict[str, VersionState] = {}
        for state in states:
            state.routed = False
            state.balancer.retire()
            for ticket in list(state.balancer.waiting):
                key = self._table.get(ticket.reference)
                if key is None:
                    ticket.fail(unknown(ticket.reference, self._table))
                else:
                    heirs[key] = self._states[key]
                    ticket.move(heirs[key])
        for heir in heirs.values():
            heir.settle()
            if heir.balancer.waiting:
                self._wanted(heir)

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
        in_flight, waiting = state.in_flight, len(state.balancer.waiting)
        idle = 0.0 if in_flight or waiting or state.ended_at is None else self._loop.time() - state.ended_at
        return VersionLoad(state.key, in_flight, waiting, round(idle, 3))

    def _gauges(self) -> list[Gauges]:
        return [
            Gauges(
                state.route.function,
                state.route.version,
                state.in_flight,
                len(state.balancer.waiting),
                sum(replica.routed and not replica.lost for replica in state.balancer.replicas.values()),
            )
            for state in self._states.values()
        ]
