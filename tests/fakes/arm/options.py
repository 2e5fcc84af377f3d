"""How the fake behaves where Azure's behaviour depends on what nobody can arrange: capacity, quotas, time."""

from dataclasses import dataclass, field


@dataclass
class Options:
    """Set at any time; what is asked for from then on follows it.

    `page` is the most items a page has. `delay` is in seconds of the followed clock: how long an operation takes. Even with 0.0
    an operation is over only for the call after the one that began it. `retry_after` is how long polls are told to wait.
    `room` is how many more machines there is capacity for; what is begun beyond it fails late. `failing` is a code with which
    machines that are made from now on fail to come up. `late` has codes by patterns of operations' ids, such as Disks_*: what
    those begin is accepted and comes to nothing.
    """

    page: int | None = None
    delay: float = 0.0
    retry_after: int = 0
    room: int | None = None
    overconstrained: bool = False
    """What there is no room for is an OverconstrainedAllocationRequest instead, as for a size that a zone does not have."""

    failing: str = ""
    late: dict[str, str] = field(default_factory=dict)
    restricted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The zones in which this subscription may not have a size; no zone at all: the whole location."""

    quotas: dict[str, int] = field(default_factory=dict)
    """Limits by a usage's name, such as cores, lowPriorityCores, standardDSv5Family or PublicIPAddresses."""

    unhealthy: set[str] = field(default_factory=set)
    """Private addresses that answer no health probe."""

    taken: set[str] = field(default_factory=set)
    """Names of storage accounts that somebody else has."""

    ungrown: bool = False
    """A disk that is attached to a running machine cannot be grown, as it was until 2022 and is in some regions."""
