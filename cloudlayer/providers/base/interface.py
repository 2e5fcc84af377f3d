"""What every interface of every provider has in common: whose it is, and how it waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cloudlayer.errors import CloudError
from cloudlayer.interfaces import Capabilities, Clock, Deadline, SystemClock
from cloudlayer.providers.base.waiting import Awaited, State, Waiter, Waits


class BaseInterface:
    """One interface of a provider in one region. `settle` and `poll`, in seconds, are those of `Waits`."""

    settle: float = 0.0
    poll: float | None = None

    def __init__(self, capabilities: Capabilities, region: str, *, clock: Clock | None = None) -> None:
        self.capabilities = capabilities
        self.provider = capabilities.provider
        self.region = region
        self.clock: Clock = clock or SystemClock()

    def _waits(
        self,
        *,
        kind: str,
        states: type[State],
        waiters: Mapping[State, Waiter[State]],
        get: Callable[[str, Deadline], Awaited],
        absent: Callable[[str], Awaited],
        failure: Callable[[Awaited, State], CloudError],
    ) -> Waits[Awaited, State]:
        """The waits for things of one kind, by this interface's clock."""
        return Waits(kind, states, waiters, get, absent, failure, self.clock, self.settle, self.poll)
