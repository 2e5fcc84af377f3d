"""What a decision is made from, and what it decides: plain values, so that deciding is a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudlayer.fleet.demands import may_be_on
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.store import MachineRow, ReplicaRow, ReplicaRowState
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.resources import Offer
from cloudlayer.scheduler import Demand, Machine, Plan, Rules


@dataclass(frozen=True, slots=True)
class Market:
    """What the fleet's providers sell and run, by "provider:region".

    `engines` are those that their machines can run. `blocked` tells why a provider's machines can run none; machines are
    planned and bought there all the same.
    """

    offers: tuple[Offer, ...] = ()
    engines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blocked: Mapping[str, str] = field(default_factory=dict)

    @property
    def everywhere(self) -> set[str]:
        """The engines that some provider's machines can run."""
        return {engine for engines in self.engines.values() for engine in engines}


@dataclass(frozen=True, slots=True)
class View:
    """One fleet at one moment. `desired` of None wants nothing at all.

    `wanted` is the number of replicas of each version, `paused` the versions that failed and wait before they are tried
    again, `failing` those that are on probation for it, `drained` the draining replicas that no call uses any more, `busy` the
    machines and replicas that a thread works on right now, `cut` the machines whose connection is lost. `idle` is for how many
    seconds no call has used a version, 0 if one does; it knows those alone that were called.
    """

    fleet: str
    owner: str
    now: float
    desired: Desired | None
    machines: tuple[MachineRow, ...] = ()
    replicas: tuple[ReplicaRow, ...] = ()
    wanted: Mapping[str, int] = field(default_factory=dict)
    paused: frozenset[str] = frozenset()
    failing: frozenset[str] = frozenset()
    drained: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    idle: Mapping[str, float] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    market: Market = field(default_factory=Market)
    machines_so_far: int = 0
    replicas_so_far: int = 0

    def idle_for(self, key: str) -> float:
        """For how many seconds no call has used a version, as far as is known."""
        return self.idle.get(key, float("inf"))

    def spec(self, row: ReplicaRow) -> FunctionSpec | None:
        """The version that a replica is of, if that is wanted in the very form that the replica has, and where it is."""
        spec = None if self.desired is None else self.desired.manifest.of(row.key)
        if spec is None or self.desired is None or self.desired.digest(spec) != row.digest:
            return None
        if spec.spot and not self.rules.taints:
            return spec  # it may be anywhere, and there are many replicas to say so of
        home = next((machine for machine in self.machines if machine.id == row.machine), None)
        return spec if home is None or may_be_on(spec, home, self.rules) else None


@dataclass(frozen=True, slots=True)
class Buy:
    """Create the machines of one batch; `fresh` ones are not in the store yet."""

    rows: tuple[MachineRow, ...]
    fresh: bool
    why: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a machine."""

    row: MachineRow
    why: str


@dataclass(frozen=True, slots=True)
class Start:
    """Start a replica; a `fresh` one is not in the store yet."""

    row: ReplicaRow
    fresh: bool
    why: str


@dataclass(frozen=True, slots=True)
class Drain:
    """Give a replica no more calls."""

    row: ReplicaRow
    why: str
    state = ReplicaRowState.DRAINING


@dataclass(frozen=True, slots=True)
class Stop:
    """End a replica and remove its traces."""

    row: ReplicaRow
    why: str


@dataclass(frozen=True, slots=True)
class Park:
    """Give a replica no more calls, and move it off its GPUs once it has none left; a `fresh` one has not begun to."""

    row: ReplicaRow
    fresh: bool
    why: str
    state = ReplicaRowState.PARKING


@dataclass(frozen=True, slots=True)
class Return:
    """Bring a replica back to its GPUs, and give it calls again."""

    row: ReplicaRow
    fresh: bool
    why: str
    state = ReplicaRowState.RETURNING


@dataclass(frozen=True, slots=True)
class Rest:
    """Note since when a machine has had nothing to do, None if it has."""

    row: MachineRow
    since: float | None


@dataclass(frozen=True, slots=True)
class Empty:
    """Move the replicas of these machines elsewhere, and delete them then."""

    rows: tuple[MachineRow, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Empty a machine no more."""

    row: MachineRow
    why: str


@dataclass(frozen=True, slots=True)
class Lose:
    """Give up a machine that does not answer, and its replicas; it is deleted as soon as that can be done."""

    row: MachineRow
    replicas: tuple[ReplicaRow, ...]
    why: str


Action = Buy | Delete | Start | Drain | Stop | Rest | Empty | Keep | Lose | Park | Return


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now. `plan` tells where `demands` go; `missing` why a version has less than it should, by its key.

    `machines` and `rules` are what the plan was made from, beside the offers.
    """

    actions: tuple[Action, ...] = ()
    plan: Plan = field(default_factory=Plan)
    demands: tuple[Demand, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    machines: tuple[Machine, ...] = ()
    rules: Rules = field(default_factory=Rules)

    @property
    def losses(self) -> tuple[Lose, ...]:
        """The machines that are given up."""
        return tuple(action for action in self.actions if isinstance(action, Lose))
