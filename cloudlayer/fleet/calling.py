"""Who calls whom how often, from what the gateway counted; before enough was seen, as the manifest says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cloudlayer.fleet import demands
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.routes import CallCount
from cloudlayer.fleet.store import FleetRows
from cloudlayer.interfaces import Clock
from cloudlayer.scaling.traffic import Stretch, Weight, over, weighed
from cloudlayer.scheduler import Traffic

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Watch:
    """A pair of functions since the beginning of its stretch: what was counted until then, and the weight."""

    told: Weight
    weight: Weight
    since: float
    calls: int
    size: int
    replica_seconds: float = 0.0


class Calling:
    """Remembers what was seen of each pair. A weight that its user changes in the manifest holds anew."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: float | None = None
        self._watches: dict[Pair, _Watch] = {}

    def traffic(self, desired: Desired, rows: FleetRows, counts: Mapping[Pair, CallCount]) -> tuple[Traffic, ...]:
        """The weights of all pairs that the manifest knows. `counts` are by version and function."""
        now, seen = self._clock.monotonic(), _by_function(counts)
        passed = 0.0 if self._last is None else now - self._last
        serving = Counter(row.function for row in rows.replicas if row.state.serving)
        self._last = now
        told = {(call.caller, call.callee): Weight(call.calls, call.size) for call in demands.traffic(desired.manifest)}
        self._watches = {
            pair: self._watched(pair, weight, seen.get(pair, (0, 0)), passed * serving[pair[0]], now)
            for pair, weight in told.items()
        }
        return tuple(Traffic(*pair, each.weight.rate, each.weight.size) for pair, each in self._watches.items())

    def _watched(self, pair: Pair, told: Weight, count: tuple[int, int], served: float, now: float) -> _Watch:
        known = self._watches.get(pair)
        if known is None or known.told != told:
            return _Watch(told, told, now, *count)
        watch = replace(known, replica_seconds=known.replica_seconds + served)
        seen = Stretch(now - watch.since, watch.replica_seconds, count[0] - watch.calls, count[1] - watch.size)
        return _Watch(told, weighed(seen, watch.weight), now, *count) if over(seen, watch.weight) else watch


def _by_function(counts: Mapping[Pair, CallCount]) -> dict[Pair, tuple[int, int]]:
    found: dict[Pair, tuple[int, int]] = {}
    for (version, callee), each in counts.items():
        pair = version.rpartition("/")[0], callee
        calls, size = found.get(pair, (0, 0))
        found[pair] = calls + each.calls, size + each.size
    return found
