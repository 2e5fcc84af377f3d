"""Models that no version of a fleet and no replica reads any more are removed, some time later: here, and on its machines.

What this host keeps is shared by the fleets of one home, so what any of them wants stays.
"""

from __future__ import annotations

import logging
from typing import Final

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.demands import checked_spec, models_of
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.store import FleetRows, MachineState, Store
from cloudlayer.interfaces import Model
from cloudlayer.runtime.models import remove_unused, remove_unused_on

FIRST_ROUND: Final = 60.0
"""Seconds after which a controller begins with it."""
TIDY_EVERY: Final = 3600.0
"""Seconds between two rounds; far less than models stay unused (`KEPT_SECONDS`), since each marks what is wanted as used."""

_log = logging.getLogger(__name__)


class Tidying:
    """For the controller of one fleet."""

    def __init__(self, store: Store, clouds: Clouds, home: Home, fleet: str) -> None:
        self._store = store
        self._clouds = clouds
        self._home = home
        self._fleet = fleet

    def round(self) -> None:
        """Look once at this host and at every machine that answers. One that cannot do it now is told of, and asked again."""
        wanted = {row.name: read_by(self._store.read(row.name)) for row in self._store.fleets()}
        remove_unused(self._home.sources(), {models for each in wanted.values() for models in each})
        for machine in self._store.read(self._fleet).machines:
            if machine.state is not MachineState.RUNNING or machine.id in self._clouds.unreachable():
                continue
            try:
                host = self._clouds.host(machine)
                if host is not None and not host.is_here:
                    remove_unused_on(host, wanted.get(self._fleet, set()), self._clouds.deadline())
            except CloudLayerError as error:
                _log.warning("unused models stay on %s for now: %s", machine.id, error)


def read_by(rows: FleetRows) -> set[tuple[Model, ...]]:
    """What each version that a fleet wants reads, or wants back if an update fails, and each replica that lives."""
    desired = Desired.of_rows(rows)
    functions = [*map(checked_spec, rows.replicas), *(desired.manifest.function if desired else ())]
    functions += [spec for each in (desired.rollouts if desired else ()) for spec in each.before]
    return {models_of(each) for each in functions if each.models}
