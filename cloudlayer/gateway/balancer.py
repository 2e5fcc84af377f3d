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
    """A replica and the calls that it works on. `routed`: the newest snapshot has it; `lost`: it broke off a call since.

    `machine` is the one whose router calls it too, at `inner_address`; "" where none does. Places leased to it are in flight.
    """

    id: str
    address: str
    machine: str = ""
    inner_address: str = ""
    in_flight: int = 0
    routed: bool = True
    lost: bool = False


class Balancer(Generic[Waiter]):
    """The replicas of one version, the places on them, and the calls that wait for one, in order.

    Replicas of the machines in `unheard` take no call: what their routers do is not known yet.
    """

    def __init__(self, unheard: Container[str] = ()) -> None:
        self.unheard = unheard
        self.limit = 1
        self.in_flight = 0
        self.longest_queue = SHORTEST_QUEUE
        self.replicas: OrderedDict[str, Replica] = OrderedDict()
        self.waiting: OrderedDict[Waiter, str] = OrderedDict()

    def update(self, route: VersionRoute, gone: Container[str] = ()) -> None:
        """Take a newer snapshot's replicas, and trust each of them again, but for those known to be `gone`."""
        self.limit = route.concurrency
        self.longest_queue = max(SHORTEST_QUEUE, CALLS_A_PLACE * route.maximum * route.concurrency)
        for replica in self.replicas.values():
            replica.routed = False
        for entry in route.replicas:
            replica = self.replicas.setdefault(entry.id, Replica(entry.id, entry.address))
            replica.address, replica.machine, replica.inner_address = entry.address, entry.machine, entry.inner_address
            replica.routed, replica.lost = True, entry.id in gone
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

    def take(self, machine: str = "") -> Replica | None:
        """A place on the least loaded replica, on `machine` if one is free there; None if none is or others came before."""
        return None if self.waiting else self._take(machine)

    def adopt(self, id: str) -> Replica:
        """Count a call that runs already on this replica, whatever the limit, and whether or not the newest snapshot has it."""
        replica = self.replicas.setdefault(id, Replica(id, "", routed=False))
        self._count(replica)
        return replica

    def release(self, replica: Replica) -> None:
        """A call has left its place."""
        replica.in_flight -= 1
        self.in_flight -= 1
        if not replica.routed:
            self._forget()

    def enqueue(self, waiter: Waiter, *, first: bool = False, machine: str = "", bounded: bool = True) -> bool:
        """Wait for a place, behind all others; False if the queue is full. `first`: before them, as a call that had a place.

        One on `machine` is preferred when several are free. With `bounded` False the queue is never full.
        """
        if bounded and not first and len(self.waiting) >= self.longest_queue:
            return False
        self.waiting[waiter] = machine
        if first:
            self.waiting.move_to_end(waiter, last=False)
        return True

    def leave(self, waiter: Waiter) -> str:
        """Wait no longer. The machine that was preferred, "" if none was."""
        return self.waiting.pop(waiter, "")

    def grants(self) -> Iterator[tuple[Waiter, Replica]]:
        """Each waiter that gets a place now, in order, with its replica."""
        while self.waiting:
            waiter, machine = next(iter(self.waiting.items()))
            replica = self._take(machine)
            if replica is None:
                return
            del self.waiting[waiter]
            yield waiter, replica

    @property
    def usable(self) -> bool:
        """Whether there is a replica that takes calls at all."""
        return any(replica.routed and not replica.lost for replica in self.replicas.values())

    @property
    def draining(self) -> list[str]:
        """Replicas that the newest snapshot no longer has and that still work on calls."""
        return [replica.id for replica in self.replicas.values() if not replica.routed]

    def _take(self, machine: str) -> Replica | None:
        best = self._least_loaded(machine) if machine else None
        best = best or self._least_loaded()
        if best is not None:
            self._count(best)
        return best

    def _least_loaded(self, machine: str = "") -> Replica | None:
        best: Replica | None = None
        least = self.limit
        for replica in self.replicas.values():
            if replica.in_flight < least and self._takes_calls(replica) and machine in ("", replica.machine):
                best, least = replica, replica.in_flight
                if least == 0:
                    break
        return best

    def _takes_calls(self, replica: Replica) -> bool:
        return replica.routed and not replica.lost and replica.machine not in self.unheard

    def _count(self, replica: Replica) -> None:
        replica.in_flight += 1
        self.in_flight += 1
        # Among equals the one that has waited longest is next.
        self.replicas.move_to_end(replica.id)

    def _forget(self) -> None:
        for replica in [each for each in self.replicas.values() if not each.routed and not each.in_flight]:
            del self.replicas[replica.id]
