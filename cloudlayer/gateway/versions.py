"""What the gateway knows of one version, the calls' claims to its places, and who else is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Protocol

from cloudlayer.fleet.routes import Lost, Routes, VersionRoute
from cloudlayer.gateway.balancer import Balancer, Replica
from cloudlayer.gateway.envelope import CallError
from cloudlayer.gateway.metrics import Meter


class Reports(Protocol):
    """Where the gateway's load and losses are told."""

    def now(self) -> None:
        """The load is worth telling at once."""

    def soon(self) -> None:
        """The load has changed."""

    def lost(self, lost: Lost) -> None:
        """A replica was lost."""

    async def figures(self) -> str | None:
        """What replicas and machines use, in Prometheus' text format; None while nobody tells."""


class Leasing(Protocol):
    """Whoever leases places to routers."""

    def routed(self, routes: Routes) -> None:
        """There is a new snapshot."""

    def wanted(self, state: VersionState) -> None:
        """A call waits for a place of this version."""

    def ended(self, replica: str) -> None:
        """A replica has ended, and all work on it."""


class VersionState:
    """One version: its route, its places, and when it was last at work and last told of.

    `kept` places are leased to routers and not used at this moment.
    """

    def __init__(self, route: VersionRoute, meter: Meter, unheard: Container[str]) -> None:
        self.key = f"{route.function}/{route.version}"
        self.route = route
        self.meter = meter
        self.balancer: Balancer[Ticket] = Balancer(unheard)
        self.kept = 0
        self.ended_at: float | None = None
        self.told_at = float("-inf")
        self.routed = True

    @property
    def busy(self) -> bool:
        """Whether a call runs or waits, or may run unheard."""
        return bool(self.balancer.waiting) or self.balancer.in_flight > 0

    @property
    def in_flight(self) -> int:
        """How many calls run."""
        return max(0, self.balancer.in_flight - self.kept)

    def settle(self) -> None:
        """Give the places that are free to those who wait; if the version cannot be brought up, they hear it."""
        for ticket, replica in self.balancer.grants():
            ticket.grant(replica)
        if self.route.failure is not None and not self.balancer.usable:
            self.turn_away(CallError, *self.route.failure)

    def turn_away(self, error: Callable[..., CallError], *arguments: str) -> None:
        """End every wait, with an error of its own each."""
        for ticket in list(self.balancer.waiting):
            ticket.fail(error(*arguments))


@dataclass(eq=False, slots=True)
class Ticket:
    """A call's claim to a place, which its caller may give up while it waits.

    It is one of the version `state`. If that is taken away, it is one of the version that the `reference` names by then.
    """

    reference: str
    state: VersionState
    place: asyncio.Future[Replica] | None = None
    gone: bool = False

    def wait(self, place: asyncio.Future[Replica], *, first: bool, machine: str) -> bool:
        """Wait for a place in the version's queue; False if that is full. `first` and `machine` are the balancer's."""
        if not self.state.balancer.enqueue(self, first=first, machine=machine):
            return False
        self.place = place
        return True

    def move(self, state: VersionState) -> None:
        """Wait for a place of another version, behind all who wait for it already."""
        machine = self.state.balancer.leave(self)
        self.state = state
        state.balancer.enqueue(self, machine=machine, bounded=False)

    def grant(self, replica: Replica) -> None:
        """Here is the place."""
        if self.place is not None:
            self.place.set_result(replica)

    def abandon(self) -> None:
        """The caller has gone. A call that runs is left to finish: its function may be halfway through what it does."""
        self.gone = True
        if self.place is not None:
            self.fail(hung_up())

    def expire(self) -> None:
        """The call's time is over."""
        self.fail(never_started(self.state.key))

    def fail(self, error: CallError) -> None:
        """There will be no place."""
        self.state.balancer.leave(self)
        if self.place is not None and not self.place.done():
            self.place.set_exception(error)


def stopping() -> CallError:
    """What calls get that come or wait while the gateway stops."""
    return CallError("UnavailableError", "the gateway is stopping", status=503, retry_after=1)


def never_started(key: str) -> CallError:
    """What a call gets whose time is over before a replica has it."""
    return CallError("TimeoutError", f"the call's time was over before {key} had room for it; it never started")


def hung_up() -> CallError:
    """What nobody hears any more."""
    return CallError("UnavailableError", "the caller hung up before the call started", status=503)
