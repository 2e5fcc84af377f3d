"""Replicas that call each other as one demand, so that what is bought for them is bought for all of them together.

Functions are joined along their costliest calls, as far as a machine on sale holds what one replica of each pipeline takes.
The replicas of functions that are joined are dealt out to equal bundles, each with its part of every function's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from cloudlayer.scheduler.types import Demand

Fits = Callable[[Demand], bool]
"""Whether some machine on sale holds a demand."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Some replicas, and the demand that stands for them. A single one stands for itself."""

    demand: Demand
    members: tuple[Demand, ...]


def bundles(demands: Sequence[Demand], links: Sequence[tuple[str, str]], fits: Fits, grain: float) -> list[Bundle]:
    """The demands in bundles which a machine holds 1/`grain` times.

    `links` are pairs of functions, the costliest first. What has to be apart, spread or in a gang stays single, and of those
    with GPUs there is one in a bundle.
    """
    named = frozenset(name for demand in demands for name in demand.apart)
    free: dict[str, list[Demand]] = defaultdict(list)
    singles = []
    for demand in sorted(demands, key=lambda each: each.id):
        if demand.apart or demand.spread or demand.gang or demand.function in named:
            singles.append(demand)
        else:
            free[demand.function].append(demand)

    def held(demand: Demand) -> bool:
        return fits(_scaled(demand, grain))

    pools = _joined(free, links, held)
    dealt = [bundle for pool in pools for bundle in _dealt([free[name] for name in pool], held)]
    return [*dealt, *(Bundle(demand, (demand,)) for demand in singles)]


def _joined(free: Mapping[str, Sequence[Demand]], links: Sequence[tuple[str, str]], fits: Fits) -> list[tuple[str, ...]]:
    """The functions in pools, joined along `links` while a bundle of what is joined fits."""
    pools: dict[str, tuple[str, ...]] = {name: (name,) for name in sorted(free)}
    for caller, callee in links:
        first, second = pools.get(caller), pools.get(callee)
        if first is None or second is None or first == second:
            continue
        joined = tuple(sorted((*first, *second)))
        demands = [free[name] for name in joined]
        if len({_kind(demand) for each in demands for demand in each}) == 1 and _number(demands, fits) is not None:
            pools |= dict.fromkeys(joined, joined)
    return sorted(set(pools.values()))


def _kind(demand: Demand) -> tuple[object, ...]:
    """What the demands of a bundle have in common."""
    return demand.engine, demand.architecture, demand.tolerates, demand.spot, demand.priority


def _number(pools: Sequence[Sequence[Demand]], fits: Fits) -> int | None:
    """Into how few bundles, each with one replica of every function at least, they can be dealt; None if into none."""
    most = min(len(each) for each in pools)
    low, high = 1, most
    if not all(fits(_sum(part)) for part in _parts(pools, most)):
        return None
    while low < high:
        middle = (low + high) // 2
        if all(fits(_sum(part)) for part in _parts(pools, middle)):
            high = middle
        else:
            low = middle + 1
    return low


def _dealt(pools: Sequence[Sequence[Demand]], fits: Fits) -> Iterator[Bundle]:
    number = _number(pools, fits)
    if number is None or len(pools) == 1:
        yield from (Bundle(demand, (demand,)) for each in pools for demand in each)
        return
    for dealt in _parts(pools, number):
        with_gpus = [demand for demand in dealt if demand.gpu_count]
        rest = [demand for demand in dealt if not demand.gpu_count]
        yield from (Bundle(demand, (demand,)) for demand in with_gpus[1:])
        members = (*with_gpus[:1], *rest)
        yield Bundle(_sum(members), members)


def _parts(pools: Sequence[Sequence[Demand]], number: int) -> Iterator[list[Demand]]:
    """The replicas dealt out evenly: part k of n has those from k/n to (k+1)/n of every function's."""
    for part in range(number):
        yield [demand for each in pools for demand in each[len(each) * part // number : len(each) * (part + 1) // number]]


def _sum(demands: Iterable[Demand]) -> Demand:
    """One demand for what they take together, on the devices of the one that has some."""
    members = list(demands)
    lead = next((demand for demand in members if demand.gpu_count), members[0])
    names = sorted(f"{demand.function}\n{demand.group}" for demand in members)
    return replace(
        lead,
        id="\n".join(sorted(demand.id for demand in members)),
        group="\n".join(names),
        cpu=round(sum(demand.cpu for demand in sorted(members, key=lambda each: each.id)), 9),
        memory=sum(demand.memory for demand in members),
        disk=sum(demand.disk for demand in members),
    )


def _scaled(demand: Demand, grain: float) -> Demand:
    return replace(demand, cpu=demand.cpu / grain, memory=ceil(demand.memory / grain), disk=ceil(demand.disk / grain))
