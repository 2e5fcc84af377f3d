"""The loop's one step: look, write down what was seen, decide, write down what is intended, do it.

Level-triggered: a step starts from the store and the providers as they are, whatever an earlier one left. It is safe to end
the process at any instruction, since every call's intent is in the store before the call, and every call may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from cloudlayer.fleet import booting, demands, gangs, losing, rollouts, settle
from cloudlayer.fleet.act import PREPARE_SECONDS, Actor
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.decide import decide
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.intents import intend
from cloudlayer.fleet.jobs import Jobs
from cloudlayer.fleet.moving import Mover
from cloudlayer.fleet.observe import Observation, Observer
from cloudlayer.fleet.pauses import Pause, pause
from cloudlayer.fleet.prefetch import Prefetch
from cloudlayer.fleet.store import (
    LOST,
    STUCK,
    Event,
    FleetRows,
    Lease,
    MachineRow,
    MachineState,
    ReplicaRow,
    ReplicaRowState,
    Store,
    writes,
)
from cloudlayer.fleet.view import Action, Buy, Decision, Delete, Lose, Park, Return, Start, Stop, View
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.interfaces import Clock
from cloudlayer.scheduler import Traffic

Wanted = Callable[[Desired, FleetRows], Mapping[str, int]]
Calling = Callable[[Desired, FleetRows], tuple[Traffic, ...]]
Drained = Callable[[str], bool]

_TRIES: Final = 8
"""How many of a version's last replicas, or gangs of them, are looked at for failures."""


@dataclass(frozen=True)
class Step:
    """What one step found: `settled` when all is as wanted, nothing is left to do and nothing is under way."""

    decision: Decision
    settled: bool


class Reconciler:
    """Brings one fleet to what is wanted. `step` is called from one thread; what it begins runs on `executor`."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        clouds: Clouds,
        actor: Actor,
        *,
        executor: Executor,
        clock: Clock,
        lookers: Executor | None = None,
        wake: Callable[[], None] = lambda: None,
        prefetch: Prefetch | None = None,
    ) -> None:
        """`wake` is called when a step would find something new. Looks run on `lookers`, or on `executor` without them."""
        self._store = store
        self._lease = lease
        self._clouds = clouds
        self._actor = actor
        self._mover = Mover(lease, clouds, clock, actor.changed)
        self._clock = clock
        self._wake = wake
        self._prefetch = prefetch
        self._jobs = Jobs(executor, clock, actor.complain, wake)
        self._observer = Observer(clouds, store.owner, lease.fleet, lookers or executor, executor)
        self._silent: frozenset[str] = frozenset()
        self._answered: frozenset[str] = frozenset()
        self._cut: frozenset[str] = frozenset()
        self.failing: Mapping[str, str] = {}

    def look(self) -> Observation:
        """See what there is. May be called from another thread than `step`."""
        rows = self._store.read(self._lease.fleet)
        desired = Desired.of_rows(rows)
        providers = desired.manifest.fleet.providers if desired else ()
        return self._observer.look(rows, providers, self._clock.now(), self._actor.complain)

    def step(
        self,
        seen: Observation | None = None,
        *,
        wanted: Wanted = lambda _desired, _rows: {},
        traffic: Calling = lambda desired, _rows: demands.traffic(desired.manifest),
        drained: Drained = lambda _replica: True,
        idle: Mapping[str, float] | None = None,
    ) -> Step:
        """One round. Raises LeaseLost when another controller took over.

        `wanted` gives the number of replicas by version (their minimum where it is silent), `traffic` who calls whom, `drained`
        whether a draining replica has no calls left, `idle` for how many seconds no call has used a version.
        """
        self._jobs.check()
        # Before the rows: of a job that ends between the two the rows tell, and it is only looked at again in the next step.
        busy, resting = self._jobs.busy(), self._jobs.resting()
        rows = self._store.read(self._lease.fleet)
        strays = False
        if seen is not None:
            strays = bool(seen.strays or seen.stray_replicas)
            self._silent, self._answered = seen.silent, frozenset(seen.replicas)
            rows = self._settle(rows, seen, busy)
        rows, desired = self._update(self._note(rows))
        view, pauses = self._view(rows, desired, busy | resting, wanted=wanted, traffic=traffic, drained=drained)
        view = replace(view, idle=idle or {})
        decision = decide(view)
        self.failing = _failing(view, {**decision.missing, **pauses})
        intend(self._lease, decision.actions, view.now)
        self._begin(view, decision.actions)
        self._fetch_ahead(view)
        working = decision.actions or strays or busy or resting or self._jobs.busy() or pauses or decision.plan.unplaced
        return Step(decision, not working and not _in_transition(rows))

    def inspect(self, replica: str, tell: Callable[[ReplicaRow, str, str], None]) -> None:
        """Look at a replica that broke off a call; `tell` hears how it ended, if it did."""
        row, machine = self._find(replica)
        if row is None or machine is None:
            return
        status = self._actor.inspect(row, machine)
        if status is None:
            tell(row, LOST, "its engine does not know it any more")
        elif status.exit is not None:
            tell(row, str(status.exit), status.message)
        self._wake()

    def abandon(self, replica: str, why: str) -> None:
        """End a replica that overran a call's time: it is still at work on what nobody waits for."""
        row, _ = self._find(replica)
        if row is None or row.state not in (ReplicaRowState.READY, ReplicaRowState.DRAINING):
            return
        now = self._clock.now()
        with self._lease.write() as connection:
            writes.change_replica(connection, row, now, state=ReplicaRowState.STOPPING, exit=STUCK, reason=why)
            writes.add_event(connection, Event(0, row.fleet, now, "replica stuck", row.id, f"{row.key}: {why}"))
        self._wake()

    def end_replicas(self) -> bool:
        """Begin to end the replicas on machines that are of no use without a controller. Whether there are any left."""
        rows = self._store.read(self._lease.fleet)
        here = {row.id: row for row in rows.machines if not self._clouds.provider(row.provider).keeps_machines}
        mine = [row for row in rows.replicas if row.machine in here]
        stops = [Stop(row, row.reason or "the controller stops") for row in mine]
        intend(self._lease, stops, self._clock.now())
        for stop in stops:
            subject = f"{stop.row.id} stop"  # beside a start under way, which it brings to nothing
            self._jobs.submit({subject}, partial(self._actor.stop, stop, here[stop.row.machine]))
        return bool(mine)

    def _find(self, replica: str) -> tuple[ReplicaRow | None, MachineRow | None]:
        rows = self._store.read(self._lease.fleet)
        found = next((row for row in rows.replicas if row.id == replica), None)
        return found, next((row for row in rows.machines if found is not None and row.id == found.machine), None)

    def _takes_images(self, name: str) -> bool:
        return booting.takes_images(self._clouds.provider(name))

    def _settle(self, rows: FleetRows, seen: Observation, busy: frozenset[str]) -> FleetRows:
        found = list(settle.changes(rows, seen, busy, self._clock.now(), self._takes_images))
        if found:
            with self._lease.write() as connection:
                for write in found:
                    write(connection)
        machines = {row.id: row for row in rows.machines}
        for provider, instance in seen.strays:
            self._jobs.submit({instance}, partial(self._actor.remove_instance, provider, instance))
        for machine, engine, replica in seen.stray_replicas:
            if machine in machines:
                self._jobs.submit({replica}, partial(self._actor.remove_replica, machines[machine], engine, replica))
        return self._store.read(self._lease.fleet) if found else rows

    def _note(self, rows: FleetRows) -> FleetRows:
        """Write down which machines do not answer, and which do again."""
        self._cut = self._clouds.unreachable()
        found = list(losing.noted(rows, self._cut, self._silent, self._answered, self._clock.now()))
        if not found:
            return rows
        with self._lease.write() as connection:
            for write in found:
                write(connection)
        return self._store.read(self._lease.fleet)

    def _update(self, rows: FleetRows) -> tuple[FleetRows, Desired | None]:
        """End the updates that have come to an end, one way or the other; the rows then, and what they say is wanted."""
        desired, now = Desired.of_rows(rows), self._clock.now()
        found = rollouts.verdicts(desired, rows.replicas, self._latest, now) if desired is not None else []
        if not found:
            return rows, desired
        left = Desired.load(rows.desired.document or {})
        for verdict in found:
            left = rollouts.ended(left, verdict)
        with self._lease.write() as connection:
            if writes.change_desired(connection, rows.desired, left.document(), now):
                for verdict in found:
                    kind, message = rollouts.told(verdict)
                    writes.add_event(connection, Event(0, self._lease.fleet, now, kind, verdict.rollout.function, message))
        rows = self._store.read(self._lease.fleet)
        return rows, Desired.of_rows(rows)

    def _latest(self, spec: FunctionSpec) -> list[ReplicaRow]:
        """The last replicas of a version, or gangs of them, newest first."""
        return self._store.latest(self._lease.fleet, spec.key, limit=_TRIES * (spec.gang or 1))

    def _view(
        self,
        rows: FleetRows,
        desired: Desired | None,
        busy: frozenset[str],
        *,
        wanted: Wanted,
        traffic: Calling,
        drained: Drained,
    ) -> tuple[View, dict[str, str]]:
        now = self._clock.now()
        view = View(
            fleet=self._lease.fleet,
            owner=self._store.owner,
            now=now,
            desired=desired,
            machines=rows.machines,
            replicas=rows.replicas,
            busy=busy,
            cut=self._cut,
            drained=gangs.idle(rows.replicas, drained),
        )
        if desired is None:
            return view, {}
        fleet, found, sizes = desired.manifest, self._pauses(desired), wanted(desired, rows)
        pauses = {key: each.reason for key, each in found.items() if each.until > now}
        machines, replicas = self._store.numbered(self._lease.fleet)
        return replace(
            view,
            wanted=rollouts.wanted(desired, sizes, rows.replicas),
            paused=frozenset(pauses),
            failing=frozenset(key for key, each in found.items() if each.trusted > now),
            rules=replace(demands.rules(fleet, rows.avoids, rows.machines, now), traffic=traffic(desired, rows)),
            market=self._clouds.market(fleet.fleet.providers, self._actor.complain),
            machines_so_far=machines,
            replicas_so_far=replicas,
        ), pauses

    def _pauses(self, desired: Desired) -> dict[str, Pause]:
        """Versions whose last tries failed."""
        found = {}
        for spec in desired.manifest.function:
            digest = desired.digest(spec)
            waiting = pause([row for row in self._latest(spec) if row.digest == digest])
            if waiting is not None:
                found[spec.key] = waiting
        return found

    def _begin(self, view: View, actions: Sequence[Action]) -> None:
        machines = {row.id: row for row in view.machines}
        for action in actions:
            match action:
                case Buy(rows, _, _):
                    self._jobs.submit({row.id for row in rows}, partial(self._actor.buy, action))
                case Delete(machine, _):
                    self._jobs.submit({machine.id}, partial(self._delete, action))
                case Lose(machine, _, why) if not machine.lost:
                    self._jobs.submit({machine.id}, partial(self._delete, Delete(machine, why)))
                case Start(replica, _, _) if view.desired is not None:
                    work = partial(self._actor.start, action, machines[replica.machine], view.desired)
                    self._jobs.submit({replica.id}, work)
                case Park(replica, False, _):
                    self._jobs.submit({replica.id}, partial(self._mover.move_off, action, machines[replica.machine]))
                case Return(replica, _, _):
                    self._jobs.submit({replica.id}, partial(self._mover.bring_back, action, machines[replica.machine]))
                case Stop(replica, _):
                    self._jobs.submit({replica.id}, partial(self._actor.stop, action, machines.get(replica.machine)))
                case _:
                    pass

    def _fetch_ahead(self, view: View) -> None:
        """Make images while the machines that will run them are on their way."""
        coming = any(row.state in (MachineState.BUYING, MachineState.PENDING) for row in view.machines)
        if self._prefetch is None or view.desired is None or not coming:
            return
        for spec in self._prefetch.due(view.desired, view.wanted):
            deadline = self._clouds.deadline(PREPARE_SECONDS)
            self._jobs.submit({f"image {spec.key}"}, partial(self._prefetch.make, spec, view.desired, deadline))

    def _delete(self, action: Delete) -> None:
        if not self._actor.delete(action):
            self._jobs.rest(action.row.id)


def _in_transition(rows: FleetRows) -> bool:
    """Whether something is on its way to another state, or is there although nothing is wanted."""
    if rows.desired.document is None:
        return bool(rows.machines or rows.replicas)
    steady = all(
        row.state is MachineState.RUNNING and row.emptying is None and row.unreachable is None for row in rows.machines
    )
    return not steady or not all(row.state.at_rest for row in rows.replicas)


def _failing(view: View, reasons: Mapping[str, str]) -> dict[str, str]:
    """Why a version that has no replica gets none, for the callers that wait for one."""
    live = {row.key for row in view.replicas if row.state.serving}
    return {key: why for key, why in reasons.items() if key not in live}
