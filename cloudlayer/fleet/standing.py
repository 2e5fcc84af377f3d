"""How a replica stands: what was decided of it then, and why it is on its machine as things are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cloudlayer.errors import NotFound
from cloudlayer.fleet import emptying
from cloudlayer.fleet.decide import decide, machines_of, rules_of
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.service import Fleets, names, warning
from cloudlayer.fleet.store import Event, MachineRow, ReplicaRow
from cloudlayer.fleet.view import View
from cloudlayer.scheduler import BestFitDecreasing, Demand, Machine, Plan
from cloudlayer.scheduler.account import Missing, lacking
from cloudlayer.scheduler.bargains import Alternative
from cloudlayer.scheduler.choices import Choice, Chooser
from cloudlayer.scheduler.consolidation import Emptying, examined
from cloudlayer.scheduler.explain import Explanation, explain
from cloudlayer.scheduler.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Standing:
    """One replica. `decided` are the events of how it and its machine came to be, oldest first.

    The rest is as things are now, and None or empty where they cannot be known. `choice` compares its machine with the others,
    `elsewhere` counts what keeps the replica from other machines and from offers. `alone` is the cheapest offer for it alone,
    `instead` the cheapest other one for all that its machine holds. `consolidation` says whether it would be moved, and why.
    """

    replica: ReplicaRow
    machine: MachineRow | None
    decided: tuple[Event, ...]
    demand: Demand | None = None
    choice: Choice | None = None
    elsewhere: Explanation | None = None
    alone: Alternative | None = None
    instead: Alternative | None = None
    consolidation: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The replicas that a subject names, and those that it names and that have no place; `notes` tell what else is amiss."""

    standings: tuple[Standing, ...]
    missing: tuple[Missing, ...]
    notes: tuple[str, ...]


def report(fleets: Fleets, fleet: str, subject: str) -> Report:
    """What `subject` names: a replica by the start of its id, a function or one version of it. NotFound if it names nothing."""
    rows = fleets.store.read(fleet)
    chosen = [row for row in rows.replicas if names(subject, row)]
    desired, notes = Desired.of_rows(rows), []
    keys = [] if desired is None else [spec.key for spec in desired.manifest.function if subject in (spec.name, spec.key)]
    if not chosen and not keys:
        raise NotFound(f"no replica or function of fleet {fleet} is {subject}: cloudlayer ps lists them")
    if desired is None:
        standings = [Standing(row, _machine(rows.machines, row), _events(fleets, row)) for row in chosen]
        return Report(tuple(standings), (), (f"fleet {fleet} is being taken down",))
    view = fleets.view(desired, lambda key, error: notes.append(warning(key, error)))
    notes += [line for line in fleets.status(fleet).missing if line.partition(":")[0] in keys]
    scene = _Scene(fleets, view, desired)
    return Report(tuple(map(scene.standing, chosen)), tuple(_missing(view, keys)), tuple(notes))


class _Scene:
    """A fleet as it is now, the machines that are being emptied among the others."""

    def __init__(self, fleets: Fleets, view: View, desired: Desired) -> None:
        self._fleets = fleets
        self._view = view
        self._settings = desired.manifest.fleet.consolidation
        self._machines = {machine.id: machine for machine in machines_of(emptying.without(view), desired)}
        everything = list(self._machines.values())
        self._outcome = Outcome(Plan(), (), everything, view.market.offers, rules_of(view))
        self._chooser = Chooser(self._outcome)
        self._bargains = self._chooser.bargains

    def standing(self, row: ReplicaRow) -> Standing:
        """Of one replica."""
        told = Standing(row, _machine(self._view.machines, row), _events(self._fleets, row))
        tenant = self._outcome.tenants.get(row.machine, {}).get(row.id)
        if tenant is None or told.machine is None:
            return replace(told, consolidation=_held(told.machine))
        others = [machine for name, machine in self._machines.items() if name != row.machine]
        everyone = [one.demand for one in self._outcome.tenants[row.machine].values()]
        return replace(
            told,
            demand=tenant.demand,
            choice=self._chooser.choice(row.id, row.machine),
            elsewhere=explain(tenant.demand, self._outcome.offers, self._outcome.rules, others),
            alone=self._bargains.cheapest([tenant.demand]),
            instead=self._bargains.cheapest(everyone, told.machine.offer),
            consolidation=self._consolidation(told.machine),
        )

    def _consolidation(self, row: MachineRow) -> str:
        """Whether its machine would be emptied, and why or why not."""
        if row.emptying is not None:
            return f"its machine is being emptied, which {row.reason}"
        if not self._settings.enabled:
            return "it stays: consolidation is switched off"
        rules, offers = self._outcome.rules, self._outcome.offers
        everything: Sequence[Machine] = list(self._machines.values())
        terms, policy = emptying.terms(self._settings), BestFitDecreasing()
        found = examined(self._machines[row.id], everything, offers, rules, policy=policy, terms=terms)
        if isinstance(found, Emptying):
            return f"its machine is worth emptying: that {emptying.told(found, rules.currency)}"
        return f"it stays: {found}"


def _held(row: MachineRow | None) -> str:
    """What is to become of a machine that takes no part in any plan."""
    if row is None:
        return ""
    if row.goes:
        return f"its machine is being emptied and then deleted: {row.reason}"
    if row.unreachable is not None:
        return "its machine does not answer: it gets no calls, and is replaced unless that ends soon"
    return "it stays: its machine is cordoned, and takes no others" if row.cordoned else ""


def _missing(view: View, keys: Sequence[str]) -> list[Missing]:
    """Replicas of these versions that should be there and have no place."""
    decision = decide(view)
    outcome = Outcome(decision.plan, decision.demands, decision.machines, view.market.offers, decision.rules)
    return [missing for missing in lacking(outcome) if missing.group in keys]


def _machine(machines: Sequence[MachineRow], replica: ReplicaRow) -> MachineRow | None:
    return next((row for row in machines if row.id == replica.machine), None)


def _events(fleets: Fleets, row: ReplicaRow) -> tuple[Event, ...]:
    """How the replica's machine and the replica came to be."""
    store = fleets.store
    found = [*store.events(row.fleet, subject=row.machine), *store.events(row.fleet, subject=row.id)]
    return tuple(sorted(found, key=lambda event: event.number))
