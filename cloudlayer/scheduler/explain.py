"""Why a demand has no place: what keeps it from how many offers and machines, and what would mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from cloudlayer.resources import Offer
from cloudlayer.scheduler.admission import Cost, Refusal, cost, new_machine, refusals
from cloudlayer.scheduler.devices import COMPUTE, accepts_model
from cloudlayer.scheduler.fit import Constraint, empty_machine, misfits
from cloudlayer.scheduler.mig import profiles_of
from cloudlayer.scheduler.types import Demand, Machine, Rules
from cloudlayer.units import MIB, format_size, parse_size

Obstacle = Constraint | Refusal

_PHRASES: Final[dict[Obstacle, str]] = {
    Refusal.MAX_PRICE: "over max_price",
    Refusal.SOLD_OUT: "sold out",
    Refusal.AVOIDED: "avoided after a failure",
    Refusal.SPOT: "spot",
    Refusal.MACHINE_TYPE_NOT_ALLOWED: "not in allow.machine_types",
    Refusal.MACHINE_TYPE_DENIED: "in deny.machine_types",
    Refusal.REGION_NOT_ALLOWED: "not in allow.regions",
    Refusal.REGION_DENIED: "in deny.regions",
    Refusal.PRICE_UNKNOWN: "without a known price",
    Refusal.OTHER_CURRENCY: "priced in another currency",
    Constraint.TAINT: "with a taint that it does not tolerate",
    Constraint.SPOT: "spot, where it may not be",
    Constraint.MEMORY: "with too little memory",
    Constraint.CPU: "with too few cores",
    Constraint.DISK: "with too small a disk",
    Constraint.GPU_MEMORY: "with too little memory on a GPU",
    Constraint.GPU_COMPUTE: "with too little compute on a GPU",
    Constraint.GPU_PROFILE: "without room for its MIG profile",
    Constraint.GPU_COUNT: "with too few GPUs",
    Constraint.GPU_MODEL: "with other GPU models",
    Constraint.ARCHITECTURE: "of another architecture",
    Constraint.ENGINE: "without its engine",
    Constraint.APART: "with what it is kept apart from",
}
"""How each obstacle is told; where offers have as many obstacles, those told first here are the nearest to be mended."""

_RANK: Final = {obstacle: rank for rank, obstacle in enumerate(_PHRASES)}


@dataclass(frozen=True, slots=True)
class Excluded:
    """How many offers or machines a constraint excludes; `words` follow the number, as in "3 with too few cores"."""

    constraint: str
    count: int
    words: str

    def __str__(self) -> str:
        return f"{self.count} {self.words}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one replica has no place. `needs` is what it asks for; `offers` and `machines` are how many there are in all.

    One that several constraints exclude is counted by each of them. `nearest` is the offer that needs the fewest and least
    changes, None where there is none or where one excludes nothing; all of `mends` together make the replica fit it.
    """

    needs: str
    offers: int = 0
    by_offer: tuple[Excluded, ...] = ()
    machines: int = 0
    by_machine: tuple[Excluded, ...] = ()
    nearest: str | None = None
    mends: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """All of it in one line."""
        are = "is" if self.machines == 1 else "are"
        room = f"no room on the {self.machines} machine{'s' * (self.machines != 1)} there {are}; " if self.machines else ""
        if not self.offers:
            return f"{room}the fleet's providers offer no machines"
        excluded = ", ".join(map(str, self.by_offer)) or "none is too small for one alone"
        told = f"{room}no offer for {self.needs}: of {self.offers}, {excluded}"
        return f"{told}; nearest is {self.nearest}: {' and '.join(self.mends)}" if self.nearest else told


def explain(demand: Demand, offers: Sequence[Offer], rules: Rules, machines: Sequence[Machine]) -> Explanation:
    """Why `demand` has no place. All is as it stands after the plan: what is free of the machines, what is still available of
    the offers, what is spent."""
    blocked = [(offer, obstacles(demand, offer, rules)) for offer in offers]
    nearest, found = min(blocked, key=lambda each: _distance(demand, each[0], each[1], rules), default=(None, ()))
    return Explanation(
        needs=needs(demand),
        offers=len(offers),
        by_offer=counted(obstacle for _, each in blocked for obstacle in each),
        machines=len(machines),
        by_machine=counted(constraint for machine in machines for constraint in misfits(demand, machine)),
        nearest=nearest.id if nearest and found else None,
        mends=tuple(_mend(demand, nearest, obstacle, rules) for obstacle in found) if nearest else (),
    )


def counted(found: Iterable[Obstacle]) -> tuple[Excluded, ...]:
    """By how many each excludes, the most first."""
    counts = Counter(found)
    ordered = sorted(counts, key=lambda each: (-counts[each], _RANK[each]))
    return tuple(Excluded(each.value, counts[each], _PHRASES[each]) for each in ordered)


def obstacles(demand: Demand, offer: Offer, rules: Rules) -> tuple[Obstacle, ...]:
    """Everything that keeps `demand` from a new machine bought by `offer`."""
    return (*refusals(offer, rules), *misfits(demand, new_machine(offer, rules)))


def _distance(demand: Demand, offer: Offer, found: Sequence[Obstacle], rules: Rules) -> tuple[int, list[int], float, Cost, str]:
    """Fewest obstacles first, then those that are nearest to be mended, then the least to give way, then the cheapest."""
    machine = empty_machine(offer, ())
    shortfall = max((_shortfall(demand, machine, obstacle) for obstacle in found), default=0.0)
    return len(found), sorted(_RANK[obstacle] for obstacle in found), shortfall, cost(offer, rules), offer.id


def _shortfall(demand: Demand, machine: Machine, obstacle: Obstacle) -> float:
    """By how much the machine is too small, as wanted over available."""
    figures: dict[Obstacle, tuple[float, float]] = {
        Constraint.CPU: (demand.cpu, machine.cpu),
        Constraint.MEMORY: (demand.memory, machine.memory),
        Constraint.DISK: (demand.disk, machine.disk),
        Constraint.GPU_COUNT: (demand.gpu_count, len(machine.devices)),
        Constraint.GPU_MEMORY: (demand.gpu_memory or 0, _largest_gpu_memory(demand, machine)),
    }
    wanted, available = figures.get(obstacle, (0.0, 1.0))
    return wanted / available if available else inf


def _largest_gpu_memory(demand: Demand, machine: Machine) -> int:
    """The most memory per device that `gpu_count` devices of the models asked for all have; 0 if there are too few."""
    sizes = sorted((device.memory for device in machine.devices if accepts_model(demand, device)), reverse=True)
    return sizes[demand.gpu_count - 1] if 0 < demand.gpu_count <= len(sizes) else 0


def needs(demand: Demand) -> str:
    """What one replica asks for, in words."""
    parts = [f"{demand.cpu:g} core{'s' * (demand.cpu != 1)}", f"{format_size(demand.memory)} memory"]
    if demand.disk:
        parts.append(f"{format_size(demand.disk)} disk")
    if demand.gpu_count:
        models = f" {' or '.join(demand.gpu_models)}" if demand.gpu_models else ""
        parts.append(f"{demand.gpu_count}{models} GPU{'s' * (demand.gpu_count > 1)} {_part(demand)}")
    if demand.architecture:
        parts.append(demand.architecture)
    return ", ".join([*parts, f"{demand.engine} engine"])


def _part(demand: Demand) -> str:
    """What it asks for of each GPU."""
    if demand.gpu_profile is not None:
        return f"with a MIG instance {demand.gpu_profile} on each"
    memory = [] if demand.gpu_memory is None else [format_size(demand.gpu_memory)]
    compute = [] if demand.gpu_compute is None else [f"{demand.gpu_compute / COMPUTE:g} of the compute"]
    return f"with {' and '.join([*memory, *compute])} each" if memory or compute else "whole"


def _mend(demand: Demand, offer: Offer, obstacle: Obstacle, rules: Rules) -> str:
    if isinstance(obstacle, Refusal):
        return _mend_rule(offer, obstacle, rules)
    return _mend_demand(demand, new_machine(offer, rules), obstacle)


def _mend_rule(offer: Offer, refusal: Refusal, rules: Rules) -> str:
    kind, region, price = offer.machine_type.name, offer.region, cost(offer, rules)
    mends = {
        Refusal.MAX_PRICE: _over_price(price.amount, rules),
        Refusal.SOLD_OUT: f"no more of {kind} can be had now, free some or allow others",
        Refusal.AVOIDED: "it failed lately and is tried again by itself",
        Refusal.SPOT: "set allow.spot = true",
        Refusal.MACHINE_TYPE_NOT_ALLOWED: f'add "{kind}" to allow.machine_types',
        Refusal.MACHINE_TYPE_DENIED: f'let deny.machine_types spare "{kind}"',
        Refusal.REGION_NOT_ALLOWED: f'add "{region}" to allow.regions',
        Refusal.REGION_DENIED: f'let deny.regions spare "{region}"',
        Refusal.PRICE_UNKNOWN: "its price is unknown, so it can be bought only without a max_price",
        Refusal.OTHER_CURRENCY: f"its price is in {price.currency}, so write max_price in {price.currency}",
    }
    return mends[refusal]


def _over_price(amount: float, rules: Rules) -> str:
    total = f"{rules.spent + amount:.4f} {rules.currency}/h"
    limit = f"{rules.max_price or 0:.4f} {rules.currency}/h"
    return f"the fleet would cost {total}, its max_price is {limit}"


def _mend_demand(demand: Demand, machine: Machine, constraint: Constraint) -> str:
    count = len(machine.devices)
    engines = " or ".join(machine.engines)
    models = ", ".join(sorted({device.model for device in machine.devices}))
    profiles = sorted({name for device in machine.devices for name in profiles_of(device.model, device.memory)})
    mends = {
        Constraint.CPU: f"lower resources.cpu to {machine.cpu:g}",
        Constraint.MEMORY: f"lower resources.memory to {_at_most(machine.memory)}",
        Constraint.DISK: f"lower resources.disk to {_at_most(machine.disk)}",
        Constraint.GPU_COUNT: f"lower resources.gpu.count to {count}" if count else "add a provider whose machines have GPUs",
        Constraint.GPU_MODEL: f"allow resources.gpu.model {models}",
        Constraint.GPU_MEMORY: f"lower resources.gpu.memory to {_at_most(_largest_gpu_memory(demand, machine))}",
        Constraint.ARCHITECTURE: f"set resources.architecture to {machine.architecture}",
        Constraint.ENGINE: f"use engine {engines}" if engines else "its machines run no engine, add a provider that does",
        Constraint.APART: "take it out of apart",
        Constraint.GPU_COMPUTE: "lower resources.gpu.compute",
        Constraint.GPU_PROFILE: f"set resources.gpu.profile to {' or '.join(profiles)}"
        if profiles
        else "allow GPUs that have MIG",
        Constraint.TAINT: f"add {', '.join(sorted(machine.taints - demand.tolerates))} to tolerates",
        Constraint.SPOT: "let it be on spot machines with spot = true",
    }
    return mends[constraint]


def _at_most(size: int) -> str:
    """The size in words, never rounded up."""
    text = format_size(size)
    return text if parse_size(text) <= size else f"{size // MIB}MiB"
