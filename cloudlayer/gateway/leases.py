"""The places that routers have leased: whose they are, which are wanted back, and when each ends if its router is silent.

A plain state machine, in seconds of any one clock. A lease is a place taken in the `Balancer`, on that very replica; what ends
here is returned, and its place is to be released by the caller.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cloudlayer.gateway.balancer import Replica
from cloudlayer.runtime.router.messages import TERM_SECONDS, Held

MARGIN_SECONDS: Final = 1.0


@dataclass(eq=False, slots=True)
class Lease:
    """One place on a replica, used by one `instance` of the router of `machine`, for calls of at most `timeout` seconds.

    `ends_at` is when it ends of itself, since nobody speaks for it; None while its router does.
    """

    id: str
    machine: str
    instance: str
    key: str
    replica: Replica
    timeout: float
    recalled: bool = False
    ends_at: float | None = None


class Leases:
    """All leases. `prefix` begins the ids, so that no other gateway's are the same."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._count = 0
        self._leases: dict[str, Lease] = {}
        self._by_key: dict[str, dict[str, Lease]] = {}
        self._counts = defaultdict[str, Counter[str]](Counter)

    def grant(self, machine: str, instance: str, key: str, replica: Replica, timeout: float) -> Lease:
        """A new lease of a place that was taken."""
        self._count += 1
        lease = Lease(f"{self._prefix}-{self._count}", machine, instance, key, replica, timeout)
        self.adopt(lease)
        return lease

    def adopt(self, lease: Lease) -> None:
        """Keep a lease: a new one, or one that a gateway before this one granted and whose call runs."""
        self._leases[lease.id] = lease
        self._by_key.setdefault(lease.key, {})[lease.id] = lease
        self._counts[lease.instance][lease.key] += 1

    def end(self, machine: str, ids: Iterable[str]) -> list[Lease]:
        """Leases that the router of a machine gives back; those that are not its own are let be."""
        return self._pop(self._leases[each] for each in ids if each in self._leases and self._leases[each].machine == machine)

    def of_version(self, key: str) -> Collection[Lease]:
        """The leases of one version."""
        return self._by_key.get(key, {}).values()

    def greet(self, instance: str, held: Iterable[Held]) -> tuple[list[Lease], list[Held]]:
        """An instance of a router has come (again), with the leases in `held` and no others.

        Returns those that end, and those that are not known here.
        """
        mine = {each.lease: each for each in held}
        known = [each for each in self._leases.values() if each.instance == instance]
        for lease in known:
            lease.ends_at, lease.recalled = None, False
        over = self._pop(lease for lease in known if lease.id not in mine)
        return over, [each for each in mine.values() if each.lease not in self._leases]

    def bury(self, instance: str, left: Mapping[str, float], now: float) -> list[Lease]:
        """An instance is dead: replicas still work on its leases in `left`, for so many seconds at most. The others end."""
        known = [each for each in self._leases.values() if each.instance == instance]
        for lease in known:
            if lease.id in left:
                lease.ends_at = now + left[lease.id] + MARGIN_SECONDS
        return self._pop(lease for lease in known if lease.id not in left)

    def orphan(self, instance: str, heard: float) -> None:
        """The line to an instance of a router has ended, which was last heard at the time `heard`.

        It begins no call later than its term after that, and none takes longer than its version's timeout.
        """
        for lease in self._leases.values():
            if lease.instance == instance and lease.ends_at is None:
                lease.ends_at = heard + TERM_SECONDS + lease.timeout + MARGIN_SECONDS

    def expire(self, now: float) -> list[Lease]:
        """Leases that have ended of themselves."""
        return self._pop(lease for lease in self._leases.values() if lease.ends_at is not None and lease.ends_at <= now)

    def gone(self, replica: str) -> list[Lease]:
        """A replica has ended, and all work on it."""
        return self._pop(lease for lease in self._leases.values() if lease.replica.id == replica)

    def recall(self, leases: Iterable[Lease]) -> dict[str, tuple[str, ...]]:
        """Which of these are to be asked back, by the router's instance: those that were not before."""
        found = defaultdict[str, list[str]](list)
        for lease in leases:
            if not lease.recalled and lease.ends_at is None:
                lease.recalled = True
                found[lease.instance].append(lease.id)
        return {instance: tuple(ids) for instance, ids in found.items()}

    def counts(self, instance: str) -> Mapping[str, int]:
        """How many leases an instance of a router has, by version."""
        return self._counts.get(instance, {})

    def __iter__(self) -> Iterator[Lease]:
        return iter(self._leases.values())

    def _pop(self, leases: Iterable[Lease]) -> list[Lease]:
        ended = list(leases)
        for lease in ended:
            del self._leases[lease.id]
            versions = self._by_key[lease.key]
            del versions[lease.id]
            if not versions:
                del self._by_key[lease.key]
            self._uncount(lease)
        return ended

    def _uncount(self, lease: Lease) -> None:
        counts = self._counts[lease.instance]
        counts[lease.key] -= 1
        if not counts[lease.key]:
            del counts[lease.key]
        if not counts:
            del self._counts[lease.instance]
