"""The cheapest mix of offers for demands that have no place, where arrays can express them, and what none can cost less than.

They cannot express demands that are to be `apart` or `spread`, shares of several devices at once, MIG instances, and machines
whose devices differ. Shares are of one dimension: of memory, where each takes at least as large a part of the memory as of the
compute of every device that it may be on, so that the compute suffices wherever the memory does; or of compute, where each
takes at least as large a part of that. Where there are some of both, arrays express none. Taints, and who may not be on spot
machines, are a matter of which form holds what. Offers of unknown price or in another currency than the fleet's are left out:
no sum of them compares with another. What is reserved costs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from cloudlayer.resources import Offer
from cloudlayer.scheduler.admission import PRICE_TOLERANCE, Cost, Tier, cost
from cloudlayer.scheduler.buying import Form, Purchase
from cloudlayer.scheduler.devices import COMPUTE, is_whole
from cloudlayer.scheduler.fit import fit
from cloudlayer.scheduler.sizes import DemandClass
from cloudlayer.scheduler.types import Demand, Rules


@dataclass(frozen=True, slots=True)
class Mixed:
    """The cheaper of the mix and of what was known, and the lower bound; None where nothing is proven."""

    purchases: tuple[Purchase, ...]
    lower_bound: float | None


def expressible(wanted: Sequence[DemandClass], on_sale: Sequence[Form]) -> bool:
    """Whether arrays can express what is wanted and what is on sale."""
    demands = [each.demand for each in wanted]
    if not all(_is_plain(demand) for demand in demands):
        return False
    with_gpus = [demand for demand in demands if demand.gpu_count]
    mixed_devices = any(not _uniform(form) and any(fit(demand, form.machine) for demand in with_gpus) for form in on_sale)
    return not mixed_devices and _dimension(demands, on_sale) is not None


def cheaper(
    known: Sequence[Purchase], on_sale: Sequence[Form], wanted: Sequence[DemandClass], rules: Rules, again: Callable[[], bool]
) -> Mixed:
    """The mix for the demands in `wanted` that something on sale holds, if it is cheaper than `known`, else `known`.

    The mix is worked on while `again()`; it counts only where it places them all.
    """
    holds = [[fit(each.demand, form.machine) is not None for each in wanted] for form in on_sale]
    priced = [any(price.tier <= Tier.KNOWN for price, _ in form.offers) for form in on_sale]
    found = [index for index in range(len(wanted)) if any(row[index] for row in holds)]
    if not found or not all(any(row[index] for row, sold in zip(holds, priced, strict=True) if sold) for index in found):
        return Mixed(tuple(known), None)
    rank = _rank(known, wanted, found, rules)
    if rank == (0, 0, 0.0):
        return Mixed(tuple(known), 0.0)
    mix, lower_bound = _mix(on_sale, holds, wanted, rules, again)
    if not mix:
        return Mixed(tuple(known), lower_bound)
    other = _rank(mix, wanted, found, rules)
    better = other[:2] < rank[:2] or (other[:2] == rank[:2] and other[2] < rank[2] - PRICE_TOLERANCE)
    return Mixed(tuple(mix if better else known), lower_bound)


def _is_plain(demand: Demand) -> bool:
    """Whether arrays can express the demand, were it alone."""
    if demand.spread or demand.apart:
        return False
    return not demand.gpu_count or is_whole(demand) or (demand.gpu_count == 1 and demand.gpu_profile is None)


@dataclass(frozen=True, slots=True)
class _Dimension:
    """What shares of devices are counted in: bytes, or thousandths of compute."""

    by_memory: bool

    def share(self, demand: Demand) -> float:
        """What the demand takes of one device; 0 if it takes whole ones, or none."""
        taken = demand.gpu_memory if self.by_memory else demand.gpu_compute
        return float(taken or 0) if demand.gpu_count else 0.0

    def size(self, form: Form) -> float:
        """What one device of the form has; 0 where it has none."""
        devices = form.machine.devices
        return float(devices[0].memory if self.by_memory else COMPUTE) if devices else 0.0


def _dimension(demands: Sequence[Demand], on_sale: Sequence[Form]) -> _Dimension | None:
    """The dimension that is the scarcer one of every share wherever it fits; None where that is not one for all."""
    shares = [demand for demand in demands if demand.gpu_count and not is_whole(demand)]
    for by_memory in (True, False):
        if not any(demand.gpu_compute if by_memory else demand.gpu_memory for demand in shares):
            return _Dimension(by_memory)
    parts = [
        ((demand.gpu_memory or 0) * COMPUTE, (demand.gpu_compute or 0) * form.machine.devices[0].memory)
        for form in on_sale
        for demand in shares
        if fit(demand, form.machine) is not None
    ]
    if all(memory >= compute for memory, compute in parts):
        return _Dimension(by_memory=True)
    return _Dimension(by_memory=False) if all(compute >= memory for memory, compute in parts) else None


def _uniform(form: Form) -> bool:
    return len({(device.model, device.memory) for device in form.machine.devices}) <= 1


def _rank(
    purchases: Sequence[Purchase], wanted: Sequence[DemandClass], found: Sequence[int], rules: Rules
) -> tuple[int, int, float]:
    """What is left out first, then what comes at prices that do not compare, then the price."""
    placed = sum(len(devices) for purchase in purchases for _, devices in purchase.content)
    costs = [cost(purchase.offer, rules) for purchase in purchases]
    strange = sum(price.tier > Tier.KNOWN for price in costs)
    return sum(len(wanted[index].ids) for index in found) - placed, strange, sum(price.amount for price in costs)


def _mix(
    on_sale: Sequence[Form],
    holds: Sequence[Sequence[bool]],
    wanted: Sequence[DemandClass],
    rules: Rules,
    again: Callable[[], bool],
) -> tuple[list[Purchase], float | None]:
    """The mix, empty where it leaves out what something on sale holds, and the bound."""
    import numpy as np

    from cloudlayer.scheduler.mixing import Classes, Forms, Lots, Problem, mix_while

    demands = [each.demand for each in wanted]
    machines = [form.machine for form in on_sale]
    uniform = [_uniform(form) for form in on_sale]
    dimension = _dimension(demands, on_sale)
    if dimension is None:
        return [], None
    lots = [(number, price, offer) for number, form in enumerate(on_sale) for price, offer in _lots(form)]
    problem = Problem(
        Classes(
            np.array([len(each.ids) for each in wanted]),
            np.array([demand.cpu for demand in demands]),
            np.array([float(demand.memory) for demand in demands]),
            np.array([float(demand.disk) for demand in demands]),
            np.array([demand.gpu_count for demand in demands]),
            np.array([dimension.share(demand) for demand in demands]),
        ),
        Forms(
            np.array([machine.cpu for machine in machines]),
            np.array([float(machine.memory) for machine in machines]),
            np.array([float(machine.disk) for machine in machines]),
            np.array([len(machine.devices) if alike else 0 for machine, alike in zip(machines, uniform, strict=True)]),
            np.array([dimension.size(form) for form in on_sale]),
            np.array(holds),
        ),
        Lots(
            np.array([number for number, _, _ in lots]),
            np.array([price.amount for _, price, _ in lots]),
            np.array([inf if offer.available is None else float(offer.available) for _, _, offer in lots]),
        ),
        inf if rules.max_price is None else rules.max_price - rules.spent,
    )
    answer = mix_while(problem, again)
    bound = answer.lower_bound
    if answer.missing.any() or any(any(row[index] for row in holds) for index in np.flatnonzero(answer.homeless).tolist()):
        return [], None
    return [Purchase(lots[each.lot][2], machines[lots[each.lot][0]], each.contents) for each in answer.machines], bound


def _lots(form: Form) -> list[tuple[Cost, Offer]]:
    return [(price, offer) for price, offer in form.offers if price.tier <= Tier.KNOWN]
