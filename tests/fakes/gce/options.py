"""How the fake behaves."""

from dataclasses import dataclass, field


@dataclass
class Options:
    """Seconds for times, on the clock that the fake follows.

    `page` is the most items a page has, however many are asked for. `delay` is how long an operation takes, and how long an
    instance is on its way up; at 0 it is over at the first poll, never in the answer to the call itself. There is `room` for so
    many more instances; beyond it, an operation is accepted and ends without any. Instances made from now on end with the code
    in `failing` before they run. Operations of methods in `late` (shell patterns) are accepted and end with the code there,
    nothing made. `quotas` are limits of each region by metric. Aggregated lists tell nothing of the scopes that are
    `unreachable` ("zones/us-central1-a") but a warning.
    """

    page: int | None = None
    delay: float = 0.0
    room: int | None = None
    failing: str = ""
    late: dict[str, str] = field(default_factory=dict)
    quotas: dict[str, float] = field(default_factory=dict)
    unreachable: set[str] = field(default_factory=set)
