"""Looking: what the providers and engines really have, beside what the store believes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from cloudlayer.errors import CloudLayerError, NotFound, TransientError
from cloudlayer.fleet.clouds import Clouds, canonical
from cloudlayer.fleet.expiring import Refresher
from cloudlayer.fleet.jobs import Complain, unforeseen
from cloudlayer.fleet.readiness import Finding, Readiness
from cloudlayer.fleet.store import FleetRows, MachineRow, MachineState, ReplicaRowState
from cloudlayer.interfaces import ReplicaStatus
from cloudlayer.labels import FLEET, OWNER, TOKEN
from cloudlayer.resources import Instance, InstanceState

INSIDE_SECONDS: Final = 10.0
"""How long a machine gets to tell of its replicas, before it counts as one that does not answer."""
LOOKERS: Final = 16
"""How many machines are looked at at once."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Observation:
    """What was seen. `at` is when the look began: what the store changed since then is newer than this.

    `instances` has each machine's own, None where it is surely gone; a machine that could not be asked about is in neither.
    `strays` are (provider, instance) that carry our labels and belong to no machine, `replicas` what each machine's engines
    have, `stray_replicas` are (machine, engine, replica) that no live row has. `silent` are machines that should run and whose
    engines could not be asked, this host left out: it is here. `findings` tell how far those are that are pending, their
    instances running, and reached by SSH.
    """

    at: float
    instances: Mapping[str, Instance | None] = field(default_factory=dict)
    strays: tuple[tuple[str, str], ...] = ()
    replicas: Mapping[str, Mapping[str, ReplicaStatus]] = field(default_factory=dict)
    stray_replicas: tuple[tuple[str, str, str], ...] = ()
    silent: frozenset[str] = frozenset()
    findings: Mapping[str, Finding] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Inside:
    """What the engines of one machine said; `error` where they said nothing."""

    machine: MachineRow
    statuses: Sequence[tuple[str, ReplicaStatus]] = ()
    error: CloudLayerError | None = None


@dataclass(frozen=True, slots=True)
class _Outside:
    """What one provider said of its instances; `error` where it said nothing."""

    provider: str
    instances: Mapping[str, Instance | None] = field(default_factory=dict)
    strays: Sequence[str] = ()
    error: CloudLayerError | None = None


class Observer:
    """Looks at one fleet of one owner, at several providers and machines at once: one that is dead holds up no other."""

    def __init__(self, clouds: Clouds, owner: str, fleet: str, lookers: Executor, executor: Executor) -> None:
        """Looks take place on `lookers`; what takes longer, and is not waited for, on `executor`."""
        self._clouds = clouds
        self._lookers = lookers
        self._labels = {OWNER: owner, FLEET: fleet}
        self._readiness = Readiness(clouds, executor)
        self._refresher = Refresher(clouds, executor)

    def look(self, rows: FleetRows, providers: Iterable[str], now: float, complain: Complain) -> Observation:
        """Look at everything once. What cannot be reached is left out, and `complain` hears why."""
        names = self._names({row.provider for row in rows.machines} | set(providers), complain)
        instances: dict[str, Instance | None] = {}
        strays: list[tuple[str, str]] = []
        for outside in self._lookers.map(lambda name: self._outside(name, rows.machines), names):
            if outside.error is not None:
                complain(outside.provider, outside.error)
            instances |= outside.instances
            strays += [(outside.provider, stray) for stray in outside.strays]
        replicas, stray_replicas, silent = self._insides(rows, instances, complain)
        findings = self._findings(rows, instances, now, complain)
        self._refresher.refresh(rows.machines, now)
        return Observation(now, instances, tuple(strays), replicas, tuple(stray_replicas), frozenset(silent), findings)

    def _findings(
        self, rows: FleetRows, instances: Mapping[str, Instance | None], now: float, complain: Complain
    ) -> dict[str, Finding]:
        found = {}
        for row in rows.machines:
            instance = instances.get(row.id)
            if row.state is MachineState.PENDING and instance is not None and instance.state is InstanceState.RUNNING:
                try:
                    finding = self._readiness.look(row, instance, now)
                except Exception as error:  # Whatever is wrong with one machine, the others are looked at.
                    told = _as_ours(row.id, error)
                    complain(row.id, told)
                    finding = self._readiness.waiting(row, None, str(told), now)
                if finding is not None:
                    found[row.id] = finding
        return found

    def _names(self, keys: Iterable[str], complain: Complain) -> list[str]:
        names = set()
        for key in keys:
            try:
                names.add(canonical(self._clouds.provider(key)))
            except CloudLayerError as error:
                complain(key, error)
        return sorted(names)

    def _outside(self, name: str, machines: Iterable[MachineRow]) -> _Outside:
        mine = [row for row in machines if row.provider == name]
        try:
            listed = self._listed(name)
            return _Outside(name, self._found(mine, listed), _strays(mine, listed))
        except Exception as error:  # Whatever a provider raises, the others are asked.
            return _Outside(name, error=_as_ours(name, error))

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

    def _insides(
        self, rows: FleetRows, instances: Mapping[str, Instance | None], complain: Complain
    ) -> tuple[dict[str, dict[str, ReplicaStatus]], list[tuple[str, str, str]], list[str]]:
        found: dict[str, dict[str, ReplicaStatus]] = {}
        strays: list[tuple[str, str, str]] = []
        silent: list[str] = []
        known = {row.id for row in rows.replicas if row.state is not ReplicaRowState.ENDED}
        running = [row for row in rows.machines if _should_run(row, instances.get(row.id))]
        for inside in self._lookers.map(self._inside, running):
            machine = inside.machine.id
            if inside.error is not None:
                complain(machine, inside.error)
                if isinstance(inside.error, TransientError) and self._clouds.provider(inside.machine.provider).keeps_machines:
                    silent.append(machine)
                continue
            found[machine] = {status.id: status for _, status in inside.statuses}
            strays += [(machine, engine, status.id) for engine, status in inside.statuses if status.id not in known]
        return found, strays, silent

    def _inside(self, machine: MachineRow) -> _Inside:
        try:
            return _Inside(machine, self._replicas(machine))
        except Exception as error:  # Whatever an engine raises, those of other machines are asked.
            return _Inside(machine, error=_as_ours(machine.id, error))

    def _replicas(self, machine: MachineRow) -> list[tuple[str, ReplicaStatus]]:
        names = self._clouds.provider(machine.provider).capabilities.engines()
        deadline = self._clouds.deadline(INSIDE_SECONDS)
        return [
            (name, status)
            for name in names
            for status in self._clouds.engine(machine, name).list(self._labels, deadline=deadline)
        ]


def _as_ours(subject: str, error: Exception) -> CloudLayerError:
    """The error of one machine or provider; one that nobody foresaw is logged with where it came from."""
    if isinstance(error, CloudLayerError):
        return error
    _log.error("%s cannot be looked at", subject, exc_info=error)
    return unforeseen(error)


def _should_run(machine: MachineRow, instance: Instance | None) -> bool:
    return machine.state is MachineState.RUNNING and instance is not None and instance.state is InstanceState.RUNNING


def _strays(machines: Iterable[MachineRow], listed: Mapping[str, Instance]) -> list[str]:
    """Instances of ours that no machine has: what is left of a lost race, or a late twin. The ones that a purchase still under
    way may have made are not counted: that purchase will find them by its token."""
    rows = list(machines)
    bound = {row.instance for row in rows}
    buying = {row.batch for row in rows if row.state is MachineState.BUYING}
    return sorted(
        one.id for one in listed.values() if one.id not in bound and not one.state.gone and one.labels.get(TOKEN) not in buying
    )
