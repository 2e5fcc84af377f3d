"""Which replica of one version takes which call: never more than the limit on one, first come first served.

A plain state machine: it neither waits nor sends. Whoever changes it asks for `grants()` afterwards and tells the waiters.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Hashable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from cloudlayer.fleet.routes import VersionRoute

SHORTEST_QUEUE: Final = 100
CALLS_A_PLACE: Final = 10

Waiter = TypeVar("Waiter", bound=Hashable)


@dataclass(eq=False, slots=True)
class Replica:
    """A replica and the calls that it works on. `routed`: the newest snapshot has it; `lost`: it broke off a call since."""

    id: str
    address: str
    in_flight: int = 0
    routed: bool = True
    lost: bool = False


class Balancer(Generic[Waiter]):
    """The replicas of one version, the places on them, and the calls that wait for one, in order."""

    def __init__(self) -> None:
        self.limit = 1
        self.in_flight = 0
        self.longest_queue = SHORTEST_QUEUE
        self.replicas: OrderedDict[str, Replica] = OrderedDict()
        self.waiting: OrderedDict[Waiter, None] = OrderedDict()

    def update(self, route: VersionRoute, gone: Container[str] = ()) -> None:
        """Take a newer snapshot's replicas, and trust each of them again, but for those known to be `gone`."""
        self.limit = route.concurrency
        self.longest_queue = max(SHORTEST_QUEUE, CALLS_A_PLACE * route.maximum * route.concurrency)
        for replica in self.replicas.values():
            replica.routed = False
        for entry in route.replicas:
            replica = self.replicas.setdefault(entry.id, Replica(entry.id, entry.address))
            replica.address, replica.routed, replica.lost = entry.address, True, entry.id in gone
        self._forget()

    def retire(self) -> None:
        """The version is gone: no replica takes another call."""
        for replica in self.replicas.values():
            replica.routed = False
        self._forget()

    def lose(self, id: str) -> None:
        """Give this replica no call until a newer snapshot has it."""
        if id in self.replicas:
            self.replicas[id].lost = True

    def take(self) -> Replica | None:
        """A place on the least loaded replica, if there is one and nobody came before."""
        return None if self.waiting else self._take()

    def release(self, replica: Replica) -> None:
        """A call has left its place."""
        replica.in_flight -= 1
        self.in_flight -= 1
        if not replica.routed:
            self._forget()

    def enqueue(self, waiter: Waiter, *, first: bool = False) -> bool:
        """Wait for a place, behind all others; False if the queue is full. `first`: before them, as a call that had a place."""
        if not first and len(self.waiting) >= self.longest_queue:
            return False
        self.waiting[waiter] = None
        if first:
            self.waiting.move_to_end(waiter, last=False)
        return True

    def leave(self, waiter: Waiter) -> None:
        """Wait no longer."""
        self.waiting.pop(waiter, None)

    def grants(self) -> Iterator[tuple[Waiter, Replica]]:
        """Each waiter that gets a place now, in order, with its replica."""
        while self.waiting and (replica := self._take()) is not None:
            waiter, _ = self.waiting.popitem(last=False)
            yield waiter, replica

    @property
    def usable(self) -> bool:
        """Whether there is a replica that takes calls at all."""
        return any(replica.routed and not replica.lost for replica in self.replicas.values())

    @property
    def draining(self) -> list[str]:
        """Replicas that the newest snapshot no longer has and that still work on calls."""
        return [replica.id for replica in self.replicas.values() if not replica.routed]

    def _take(self) -> Replica | None:
        best: Replica | None = None
        least = self.limit
        for replica in self.replicas.values():
            if replica.in_flight < least and replica.routed and not replica.lost:
                best, least = replica, replica.in_flight
                if least == 0:
                    break
        if best is not None:
            best.in_flight += 1
            self.in_flight += 1
            # Among equals the one that has waited longest is next.
            self.replicas.move_to_end(best.id)
        return best

    def _forget(self) -> None:
        for replica in [each for each in self.replicas.values() if not each.routed and not each.in_flight]:
            del self.replicas[replica.id]
