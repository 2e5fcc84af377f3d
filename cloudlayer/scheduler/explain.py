"""Why a demand has no place, in one line: what keeps it from how many offers, and what would mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf
from typing import Final

from cloudlayer.resources import Offer
from cloudlayer.scheduler.admission import Cost, Refusal, cost, engines_of, refusals
from cloudlayer.scheduler.fit import Constraint, accepts_model, empty_machine, misfits
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
    Constraint.MEMORY: "with too little memory",
    Constraint.CPU: "with too few cores",
    Constraint.DISK: "with too small a disk",
    Constraint.GPU_MEMORY: "with too little memory on a GPU",
    Constraint.GPU_COUNT: "with too few GPUs",
    Constraint.GPU_MODEL: "with other GPU models",
    Constraint.ARCHITECTURE: "of another architecture",
    Constraint.ENGINE: "without its engine",
}
"""How each obstacle is told; where offers have as many obstacles, those told first here are the nearest to be mended."""

_RANK: Final = {obstacle: rank for rank, obstacle in enumerate(_PHRASES)}


def explain(demand: Demand, offers: Sequence[Offer], rules: Rules, machines: int) -> str:
    """The reason in one line. `offers` and `rules` are as they stand after the plan: what is still available, what is spent."""
    room = (
        f"no room on the {machines} machine{'s' * (machines != 1)} there {'are' if machines != 1 else 'is'}; "
        if machines
        else ""
    )
    if not offers:
        return f"{room}the fleet's providers offer no machines"
    blocked = [(offer, obstacles(demand, offer, rules)) for offer in offers]
    counts = Counter(obstacle for _, found in blocked for obstacle in found)
    told = ", ".join(
        f"{counts[each]} {_PHRASES[each]}" for each in sorted(counts, key=lambda each: (-counts[each], _RANK[each]))
    )
    nearest, found = min(blocked, key=lambda each: _distance(demand, each[0], each[1], rules))
    mends = " and ".join(_mend(demand, nearest, obstacle, rules) for obstacle in found)
    return f"{room}no offer for {_needs(demand)}: of {len(offers)}, {told}; nearest is {nearest.id}: {mends}"


def obstacles(demand: Demand, offer: Offer, rules: Rules) -> tuple[Obstacle, ...]:
    """Everything that keeps `demand` from a new machine bought by `offer`."""
    return (*refusals(offer, rules), *misfits(demand, empty_machine(offer, engines_of(offer, rules))))


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


def _needs(demand: Demand) -> str:
    parts = [f"{demand.cpu:g} core{'s' * (demand.cpu != 1)}", f"{format_size(demand.memory)} memory"]
    if demand.disk:
        parts.append(f"{format_size(demand.disk)} disk")
    if demand.gpu_count:
        models = f" {' or '.join(demand.gpu_models)}" if demand.gpu_models else ""
        each = "whole" if demand.gpu_memory is None else f"with {format_size(demand.gpu_memory)} each"
        parts.append(f"{demand.gpu_count}{models} GPU{'s' * (demand.gpu_count > 1)} {each}")
    if demand.architecture:
        parts.append(demand.architecture)
    return ", ".join([*parts, f"{demand.engine} engine"])


def _mend(demand: Demand, offer: Offer, obstacle: Obstacle, rules: Rules) -> str:
    if isinstance(obstacle, Refusal):
        return _mend_rule(offer, obstacle, rules)
    return _mend_demand(demand, empty_machine(offer, engines_of(offer, rules)), obstacle)


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
    }
    return mends[constraint]


def _at_most(size: int) -> str:
    """The size in words, never rounded up."""
    text = format_size(size)
    return text if parse_size(text) <= size else f"{size // MIB}MiB"
