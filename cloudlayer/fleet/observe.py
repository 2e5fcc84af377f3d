"""Looking: what the providers and engines really have, beside what the store believes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cloudlayer.errors import CloudLayerError, NotFound
from cloudlayer.fleet.clouds import Clouds, canonical
from cloudlayer.fleet.store import FleetRows, MachineRow, MachineState, ReplicaRowState
from cloudlayer.interfaces import Deadline, ReplicaStatus
from cloudlayer.labels import FLEET, OWNER, TOKEN
from cloudlayer.resources import Instance

Complain = Callable[[str, CloudLayerError], None]


@dataclass(frozen=True)
class Observation:
    """What was seen. `at` is when the look began: what the store changed since then is newer than this.

    `instances` has each machine's own, None where it is surely gone; a machine that could not be asked about is in neither.
    `strays` are (provider, instance) that carry our labels and belong to no machine, `replicas` what each machine's engines
    have, `stray_replicas` are (machine, engine, replica) that no live row has.
    """

    at: float
    instances: Mapping[str, Instance | None] = field(default_factory=dict)
    strays: tuple[tuple[str, str], ...] = ()
    replicas: Mapping[str, Mapping[str, ReplicaStatus]] = field(default_factory=dict)
    stray_replicas: tuple[tuple[str, str, str], ...] = ()


class Observer:
    """Looks at one fleet of one owner."""

    def __init__(self, clouds: Clouds, owner: str, fleet: str) -> None:
        self._clouds = clouds
        self._labels = {OWNER: owner, FLEET: fleet}

    def look(self, rows: FleetRows, providers: Iterable[str], now: float, complain: Complain) -> Observation:
        """Look at everything once. What cannot be reached is left out, and `complain` hears why."""
        instances: dict[str, Instance | None] = {}
        strays: list[tuple[str, str]] = []
        keys = {row.provider for row in rows.machines} | set(providers)
        for name in self._names(keys, complain):
            try:
                listed = self._listed(name)
                mine = [row for row in rows.machines if row.provider == name]
                instances |= self._found(mine, listed)
                strays += [(name, stray) for stray in _strays(mine, listed)]
            except CloudLayerError as error:
                complain(name, error)
        replicas, stray_replicas = self._inside(rows, instances, complain)
        return Observation(now, instances, tuple(strays), replicas, tuple(stray_replicas))

    def _names(self, keys: Iterable[str], complain: Complain) -> list[str]:
        names = set()
        for key in keys:
            try:
                names.add(canonical(self._clouds.provider(key)))
            except CloudLayerError as error:
                complain(key, error)
        return sorted(names)

    def _listed(self, name: str) -> dict[str, Instance]:
        compute = self._clouds.provider(name).compute
        return {one.id: one for one in compute.list(self._labels, deadline=self._clouds.deadline())}

    def _found(self, machines: Iterable[MachineRow], listed: Mapping[str, Instance]) -> dict[str, Instance | None]:
        """The instances of the machines. One that a list leaves out is asked for by its id: lists lag behind."""
        found: dict[str, Instance | None] = {}
        for row in machines:
            if row.instance is None:
                continue
            instance = listed.get(row.instance)
            if instance is None:
                try:
                    compute = self._clouds.provider(row.provider).compute
                    instance = compute.get(row.instance, deadline=self._clouds.deadline())
                except NotFound:
                    instance = None
            found[row.id] = instance
        return found

    def _inside(
        self, rows: FleetRows, instances: Mapping[str, Instance | None], complain: Complain
    ) -> tuple[dict[str, dict[str, ReplicaStatus]], list[tuple[str, str, str]]]:
        found: dict[str, dict[str, ReplicaStatus]] = {}
        strays: list[tuple[str, str, str]] = []
        known = {row.id for row in rows.replicas if row.state is not ReplicaRowState.ENDED}
        for machine in rows.machines:
            instance = instances.get(machine.id)
            if machine.state is not MachineState.RUNNING or instance is None or instance.state != "running":
                continue
            try:
                statuses = self._replicas(machine)
            except CloudLayerError as error:
                complain(machine.id, error)
                continue
            found[machine.id] = {status.id: status for _, status in statuses}
            strays += [(machine.id, engine, status.id) for engine, status in statuses if status.id not in known]
        return found, strays

    def _replicas(self, machine: MachineRow) -> list[tuple[str, ReplicaStatus]]:
        names = self._clouds.provider(machine.provider).capabilities.engines()
        deadline: Deadline = self._clouds.deadline()
        return [
            (name, status)
            for name in names
            for status in self._clouds.engine(machine, name).list(self._labels, deadline=deadline)
        ]


def _strays(machines: Iterable[MachineRow], listed: Mapping[str, Instance]) -> list[str]:
    """Instances of ours that no machine has: what is left of a lost race, or a late twin. The ones that a purchase still under
    way may have made are not counted: that purchase will find them by its token."""
    rows = list(machines)
    bound = {row.instance for row in rows}
    buying = {row.batch for row in rows if row.state is MachineState.BUYING}
    return sorted(
        one.id for one in listed.values() if one.id not in bound and not one.state.gone and one.labels.get(TOKEN) not in buying
    )
