"""What a door (the command line, a program) does with fleets. Whoever holds the fleet's lease acts; this asks, and tells."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Final

from cloudlayer.errors import CloudLayerError, InvalidSpec, LeaseLost, NotFound
from cloudlayer.fleet import demands, emptying, rollouts
from cloudlayer.fleet.act import Actor, Surroundings
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.decide import decide, machines_of
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.jobs import THREADS
from cloudlayer.fleet.observe import LOOKERS
from cloudlayer.fleet.reconciler import Reconciler
from cloudlayer.fleet.store import (
    Database,
    Event,
    Lease,
    LedgerRow,
    MachineRow,
    ReplicaRow,
    Store,
)
from cloudlayer.fleet.stuck import Patience
from cloudlayer.fleet.view import Decision, Delete, Market, View
from cloudlayer.functions.manifest import Manifest
from cloudlayer.interfaces import Clock, LogLine, SystemClock
from cloudlayer.resources import Offer
from cloudlayer.scheduler import BestFitDecreasing, Demand, Machine, Plan, Rules

BY_HAND: Final = "-"
"""The fleet label of instances that were made by hand; no fleet can be called so."""
_POLL: Final = 0.05
_LONGEST_POLL: Final = 2.0
_ENVIRONMENT_KEY: Final = "environment"
_FIRST_KEY: Final = "first"


@dataclass(frozen=True)
class Preview:
    """What deploying a manifest would do: machines to buy (in `plan`), to keep and to delete, and what is amiss.

    `growth` is what is bought, in place of what `plan` buys, when calls bring every version to its maximum. `machines`,
    `offers` and `rules` are what the plan was made from. `emptying` are the machines that are being emptied; `consolidation`
    says what a quiet fleet would empty next, if anything. `desired` is what was looked at: `deploy` takes it as it is.
    """

    plan: Plan
    demands: tuple[Demand, ...]
    kept: dict[str, Offer]
    deleted: dict[str, Offer]
    warnings: tuple[str, ...]
    growth: tuple[Offer, ...] = ()
    machines: tuple[Machine, ...] = ()
    offers: tuple[Offer, ...] = ()
    rules: Rules = field(default_factory=Rules)
    emptying: dict[str, Machine] = field(default_factory=dict)
    consolidation: str = ""
    desired: Desired | None = None


@dataclass(frozen=True)
class Status:
    """Whether every version has its minimum of ready replicas, and a line for each that has not."""

    settled: bool
    missing: tuple[str, ...]


class Fleets:
    """The fleets of one home. A context manager: it closes the store at the end."""

    def __init__(self, home: Home | None = None, *, clouds: Clouds | None = None, clock: Clock | None = None) -> None:
        self.home = home or Home.from_environment()
        self.home.prepare()
        self.store = Store(Database(self.home.store_url))
        self.clock = clock or SystemClock()
        self.clouds = clouds or Clouds(clock=self.clock, home=self.home)

    def __enter__(self) -> Fleets:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store and of what is connected."""
        self.clouds.close()
        self.store.close()

    def names(self) -> list[str]:
        """Fleets that are wanted, or of which something is left."""
        return [
            row.name
            for row in self.store.fleets()
            if row.name != BY_HAND and (row.document is not None or self.machines(row.name) or self.replicas(row.name))
        ]

    def named(self, name: str | None) -> str:
        """That fleet, or the only one there is. NotFound or InvalidSpec with the mend."""
        names = self.names()
        if name is not None:
            if name not in names:
                raise NotFound(f"no fleet is called {name}; there are: {', '.join(names) or 'none'}")
            return name
        if not names:
            raise NotFound("there is no fleet yet: cloudlayer up MANIFEST makes one")
        if len(names) > 1:
            raise InvalidSpec(f"there are several fleets: say which by --fleet, one of {', '.join(names)}")
        return names[0]

    def preview(self, manifest: Manifest, *, search: float = 0.0) -> Preview:
        """What deploying the manifest would do now, with every version at its minimum. Changes nothing.

        A cheaper mix of machines to buy is looked for during `search` seconds, after a first one has been found.
        InvalidSpec for what no engine of the manifest's providers can do.
        """
        warnings: list[str] = []
        # With its sources, since their content tells whether a replica that runs is of the form that is asked for.
        desired = Desired.of(manifest, self.home.sources())
        view = self.view(desired, lambda key, error: warnings.append(warning(key, error)))
        market = view.market
        _check_honoured(manifest, market)
        until = self.clock.monotonic() + search
        decision = decide(view, BestFitDecreasing(lambda: self.clock.monotonic() < until))
        most = decide(replace(view, wanted={spec.key: spec.scale.max for spec in manifest.function}))
        deleted = {action.row.id: action.row.offer for action in decision.actions if isinstance(action, Delete)}
        going = emptying.leaving(view)
        kept = {row.id: row.offer for row in view.machines if row.id not in deleted and row.id not in going}
        everything = machines_of(emptying.without(view), desired)
        warnings += [f"{key}: {reason}" for key, reason in sorted(market.blocked.items())]
        warnings += self._costs_on(manifest, market)
        growth = tuple(bought.offer for bought in most.plan.purchases)
        return Preview(
            plan=decision.plan,
            demands=decision.demands,
            kept=kept,
            deleted=deleted,
            warnings=tuple(warnings),
            growth=growth,
            machines=decision.machines,
            offers=market.offers,
            rules=decision.rules,
            emptying={machine.id: machine for machine in everything if machine.id in going},
            consolidation="" if decision.demands else _next_step(view, desired, decision),
            desired=desired,
        )

    def _costs_on(self, manifest: Manifest, market: Market) -> list[str]:
        """Where a machine that ends itself costs all the same, with the reason."""
        if manifest.fleet.expiry is None:
            return []
        lacking = [(key, self.clouds.provider(key).capabilities["expiry"]) for key in sorted(market.engines)]
        return [f"{key}: expiry: {can.reason}" for key, can in lacking if not can]

    def view(self, desired: Desired, complain: Callable[[str, CloudLayerError], None]) -> View:
        """A fleet as it is and as it is wanted, with every version at its minimum; `complain` hears of providers that cannot be
        asked."""
        manifest, now = desired.manifest, self.clock.now()
        rows = self.store.read(manifest.fleet.name)
        return View(
            fleet=manifest.fleet.name,
            owner=self.store.owner,
            now=now,
            desired=desired,
            machines=rows.machines,
            replicas=rows.replicas,
            rules=demands.rules(manifest, rows.avoids, rows.machines, now),
            market=self.clouds.market(manifest.fleet.providers, complain),
        )

    def deploy(self, manifest: Manifest, preview: Preview | None = None) -> int:
        """Write down what is wanted, sources and all. A controller that runs sees it within a second.

        With the manifest's `preview`, its sources and models are those that were looked at then, and agreed to.
        """
        fleet = manifest.fleet.name
        new = (preview and preview.desired) or Desired.of(manifest, self.home.sources())
        known, now = self.store.desired(fleet), self.clock.now()
        old = None if known.document is None else Desired.load(known.document)
        if old is not None and (old.manifest, old.sources) == (new.manifest, new.sources):
            return known.generation
        document = rollouts.begun(old, new, now).document()
        return self.store.want(fleet, document, after=known.generation, now=now)

    def machines(self, fleet: str, *, ended: bool = False) -> list[MachineRow]:
        """The fleet's machines."""
        return list(self.store.read(fleet, ended=ended).machines)

    def replicas(self, fleet: str, *, ended: bool = False) -> list[ReplicaRow]:
        """The fleet's replicas."""
        return list(self.store.read(fleet, ended=ended).replicas)

    def status(self, fleet: str) -> Status:
        """Whether the fleet has what it should at least have."""
        rows = self.store.read(fleet)
        desired = Desired.of_rows(rows)
        if desired is None:
            return Status(not rows.machines and not rows.replicas, ())
        missing = []
        for spec in desired.manifest.function:
            mine = [row for row in rows.replicas if row.key == spec.key and row.digest == desired.digest(spec)]
            ready = sum(row.state.at_rest for row in mine)
            if ready < spec.scale.min:
                latest = (row for row in self.store.latest(fleet, spec.key) if row.digest == desired.digest(spec))
                why = next((f": {row.reason}" for row in latest if row.reason), "")
                missing.append(f"{spec.key}: {ready} of {spec.scale.min} replicas are ready{why}")
        missing += [f"{one.function}: its update is under way" for one in desired.rollouts]
        return Status(not missing, tuple(missing))

    def running(self, fleet: str) -> int | None:
        """The pid of the process that serves the fleet, if one does."""
        path = self.home.folder(fleet) / "up.pid"
        if not path.exists():
            return None
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return int(text) if text else None
        return None

    def logs(self, fleet: str, subject: str | None, *, tail: int = 100, call: str | None = None) -> list[tuple[str, LogLine]]:
        """(replica, line) of the replicas that `subject` names: an id or the start of one, a function, a version; or all.
        With a `call`, a request id, the lines that were written in it."""
        rows = self.store.read(fleet)
        machines = {row.id: row for row in rows.machines}
        chosen = [row for row in rows.replicas if subject is None or names(subject, row)]
        if subject is not None and not chosen:
            raise NotFound(f"no replica of fleet {fleet} is {subject}: cloudlayer ps lists them")
        there = [row for row in chosen if row.machine in machines]
        with ThreadPoolExecutor(LOOKERS) as lookers:
            found = list(lookers.map(lambda row: self._lines(machines[row.machine], row, tail, call), there))
        return [(row.id, line) for row, lines in zip(there, found, strict=True) for line in lines]

    def _lines(self, machine: MachineRow, row: ReplicaRow, tail: int, call: str | None) -> Sequence[LogLine]:
        """One that cannot be reached must not hide the others' lines."""
        try:
            return self.clouds.engine(machine, row.engine).logs(row.id, tail=tail, call=call)
        except CloudLayerError as error:
            return [LogLine(f"its log cannot be read: {error}")]

    def events(self, fleet: str | None, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """What was done and seen, oldest first."""
        return self.store.events(fleet, after=after, limit=limit)

    def ledger(self, fleet: str | None) -> list[LedgerRow]:
        """What machines cost."""
        return self.store.ledger(fleet)

    def stop(self, fleet: str, *, timeout: float = 60.0) -> bool:
        """End the process that serves the fleet, and wait for that. False if none does."""
        pid = self.running(fleet)
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + timeout
        while self.running(fleet) == pid:
            if time.monotonic() > until:
                raise CloudLayerError(f"process {pid}, which serves fleet {fleet}, does not end: look at its log, or kill it")
            time.sleep(_POLL)
        return True

    def down(self, fleet: str, *, progress: Callable[[Event], None]) -> None:
        """Stop serving, then delete all that the fleet has. Returns when nothing is left; safe to break off and repeat.

        TransientError, with what is left and the mend, once nothing changes any more but that a deletion fails again.
        """
        self.stop(fleet)
        known = self.store.desired(fleet)
        if known.document is not None:
            self.store.want(fleet, None, after=known.generation, now=self.clock.now())
        self.settle(fleet, progress=progress, patience=Patience(self.clock))
        self.home.forget_sockets(fleet)

    def settle(self, fleet: str, *, progress: Callable[[Event], None], patience: Patience | None = None) -> None:
        """Act for the fleet, without a gateway, until it is as wanted, or until `patience` is at its end.

        Raises LeaseLost while another one acts for it.
        """
        lease = Lease(self.store.database, fleet, self.home.locks, self.clock)
        self._acquire(lease)
        seen, pause = self.store.last_event(), _POLL
        try:
            with ThreadPoolExecutor(THREADS) as executor, ThreadPoolExecutor(LOOKERS) as lookers:
                actor = Actor(lease, self.clouds, Surroundings(self.home, self.store.owner, fleet), self.clock)
                reconciler = Reconciler(
                    self.store, lease, self.clouds, actor, executor=executor, lookers=lookers, clock=self.clock
                )
                settled = False
                while not settled:
                    lease.renew()
                    settled = reconciler.step(reconciler.look()).settled
                    for event in self.events(fleet, after=seen):
                        progress(event)
                        seen = event.number
                        if patience is not None:
                            patience.hear(event)
                    if patience is not None and not settled:
                        patience.check(self.store.read(fleet))
                    self.clock.sleep(0 if settled else pause)
                    # This host is done at once; a cloud is not to be asked twenty times a second.
                    pause = min(1.5 * pause, _LONGEST_POLL)
        finally:
            lease.release()

    def ensure_key(self, text: str | None) -> str | None:
        """Keep the key that is given, by its hash. Without one: make the first key if there is none, and return it."""
        if text:
            self.store.put_key(_ENVIRONMENT_KEY, self.home.hash(text), self.clock.now())
            return None
        if self.store.keys():
            return None
        made = secrets.token_urlsafe(24)
        self.store.put_key(_FIRST_KEY, self.home.hash(made), self.clock.now())
        return made

    def _acquire(self, lease: Lease) -> None:
        """A controller that was told to stop may need a moment to let go."""
        until = time.monotonic() + 5
        while True:
            try:
                lease.acquire(f"process {os.getpid()}")
            except LeaseLost:
                if time.monotonic() > until:
                    raise
                time.sleep(_POLL)
            else:
                return


def _next_step(view: View, desired: Desired, decision: Decision) -> str:
    settings = desired.manifest.fleet.consolidation
    found = emptying.worthwhile(view, decision.machines, decision.rules, BestFitDecreasing(), settings)
    if found is None:
        return ""
    return f"consolidation would empty {', '.join(found.machines)}: {emptying.told(found, decision.rules.currency)}"


def _check_honoured(manifest: Manifest, market: Market) -> None:
    found = [reason for spec in manifest.function if (reason := demands.unhonoured(spec, market.everywhere))]
    if found:
        raise InvalidSpec("\n".join(found))


def warning(key: str, error: CloudLayerError) -> str:
    """What is amiss with a provider, with its name once: most errors begin with it."""
    name = getattr(error, "provider", "") or key
    return f"{key}: {str(error).removeprefix(f'{name}: ')}"


def names(subject: str, row: ReplicaRow) -> bool:
    """Whether `subject` names the replica: the start of its id, its function, or its version."""
    return row.id.startswith(subject) or subject in (row.function, row.key)
