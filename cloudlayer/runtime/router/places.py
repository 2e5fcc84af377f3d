"""The places that a router has leased: which call uses which, which are kept for the next call, which go back.

A plain state machine, in seconds of any one clock. It neither waits nor sends: what it returns, its caller gives back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .messages import TERM_SECONDS, Entry, Held

KEEP_SECONDS: Final = 1.0
"""How long an unused place is kept: a call that comes in this time saves the way to the gateway."""


@dataclass(eq=False, slots=True)
class Lease:
    """One place on a replica of the version `key`. `recalled`: it goes back as soon as no call uses it."""

    id: str
    key: str
    replica: str
    address: str
    entry: Entry
    busy: bool = True
    recalled: bool = False
    idle_since: float = 0.0


class Places:
    """All leases of a router. They may be used for new calls until `valid_until`, which moves on as reports are heard."""

    def __init__(self) -> None:
        self.valid_until = float("-inf")
        self._leases: dict[str, Lease] = {}
        self._idle: dict[str, list[Lease]] = {}

    def take(self, key: str, now: float) -> Lease | None:
        """A kept place of that version, the one that was used last."""
        idle = self._idle.get(key)
        if not idle or now >= self.valid_until:
            return None
        lease = idle.pop()
        lease.busy = True
        return lease

    def granted(self, lease: Lease) -> None:
        """A new lease, which a call uses from now on."""
        self._leases[lease.id] = lease

    def release(self, lease: Lease, now: float, *, keep: bool = True) -> tuple[str, ...]:
        """The call has ended: the lease, if it goes back, because it was recalled, or with `keep` False."""
        if self._leases.get(lease.id) is not lease:
            return ()
        lease.busy, lease.idle_since = False, now
        if lease.recalled or not keep or now >= self.valid_until:
            return self._end([lease])
        self._idle.setdefault(lease.key, []).append(lease)
        return ()

    def recall(self, ids: Iterable[str]) -> tuple[str, ...]:
        """The gateway wants these back: those of them that go at once."""
        found = [self._leases[lease] for lease in ids if lease in self._leases]
        for lease in found:
            lease.recalled = True
        return self._end([lease for lease in found if not lease.busy])

    def stale(self, now: float) -> tuple[str, ...]:
        """Leases that were kept for long enough without a call."""
        return self._end([lease for idle in self._idle.values() for lease in idle if now - lease.idle_since >= KEEP_SECONDS])

    def heard(self, sent: float) -> None:
        """A report that was sent at the time `sent` has come."""
        self.valid_until = max(self.valid_until, sent + TERM_SECONDS)

    def cut(self) -> None:
        """The line has ended: what no call uses is as good as given back, and nothing is kept until there is another."""
        self.valid_until = float("-inf")
        self._end([lease for idle in self._idle.values() for lease in idle])

    @property
    def held(self) -> tuple[Held, ...]:
        """The leases that calls use."""
        return tuple(Held(lease.id, lease.key, lease.replica) for lease in self._leases.values() if lease.busy)

    @property
    def busy(self) -> dict[str, int]:
        """How many calls run, by version; 0 where places are merely kept."""
        counts: dict[str, int] = {}
        for lease in self._leases.values():
            counts[lease.key] = counts.get(lease.key, 0) + lease.busy
        return counts

    def _end(self, leases: list[Lease]) -> tuple[str, ...]:
        for lease in leases:
            del self._leases[lease.id]
            idle = self._idle.get(lease.key, [])
            if lease in idle:
                idle.remove(lease)
            if not idle:
                self._idle.pop(lease.key, None)
        return tuple(lease.id for lease in leases)
