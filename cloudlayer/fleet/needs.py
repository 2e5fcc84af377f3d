"""How many replicas each version needs, from what the gateway carries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.routes import VersionLoad
from cloudlayer.fleet.store import FleetRows
from cloudlayer.interfaces import Clock
from cloudlayer.scaling.concurrency import Observed, Peak, Target, want


class Needs:
    """Remembers what was needed lately, so that a version shrinks only when its idle time has passed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._peaks: dict[str, tuple[Peak, ...]] = {}

    def wanted(
        self, desired: Desired, rows: FleetRows, loads: Mapping[str, VersionLoad], *, heard: bool = True
    ) -> dict[str, int]:
        """The number of replicas by version; not less than serve now as long as it is not `heard` what calls there are."""
        now = self._clock.monotonic()
        going = {row.id for row in rows.machines if row.emptying is not None}
        # Of a machine that is being emptied and of the others: what moves is on both, and is wanted once.
        sides = Counter((row.key, row.machine in going) for row in rows.replicas if row.state.serving)
        found = {}
        for spec in desired.manifest.function:
            load, scale = loads.get(spec.key), spec.scale
            observed = Observed(load.in_flight, load.waiting, load.idle) if load else Observed(0, 0)
            size = spec.gang or 1  # calls go to one of each gang
            target = Target(scale.min // size, scale.max // size, scale.concurrency, scale.idle)
            current = max(sides[spec.key, False], sides[spec.key, True]) // size
            answer = want(observed, target, current, now=now, peaks=self._peaks.get(spec.key, ()))
            self._peaks[spec.key] = answer.peaks
            found[spec.key] = (answer.replicas if heard else max(answer.replicas, current)) * size
        return found
