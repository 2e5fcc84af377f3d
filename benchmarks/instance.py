"""An instance of buying, read from two CSV files; and the checks of an answer to it, written from the definitions alone.

They share nothing with the scheduler: a plan is checked machine by machine and device by device, and a bound by asking a
program of its own (an arc-flow of each device's memory) for the most valuable contents of every machine on sale.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, gcd, inf
from pathlib import Path

import highspy

MIB = 1024
"""Units of device memory in a GiB."""
TOLERANCE = 1e-6
"""The part of its price by which the solver's tolerances may make contents look dearer than their machine."""

Contents = Iterable[tuple[int, Sequence[Sequence[int]]]]
"""What is on a machine: the index of a class, and the devices of each of its replicas."""


@dataclass(frozen=True)
class Sale:
    """A machine on sale. Memory in GiB, price in USD per hour, `device_memory` of one device."""

    name: str
    purchase: str
    cpu: float
    memory: float
    model: str
    devices: int
    device_memory: float
    price: float


@dataclass(frozen=True)
class Want:
    """A class of replicas: a share of one device (`share`, with that many GiB), or whole devices of at least as many."""

    name: str
    count: int
    cpu: float
    memory: float
    devices: int
    share: bool
    device_memory: float
    models: tuple[str, ...]

    def fits(self, sale: Sale) -> bool:
        """Whether an empty machine holds one."""
        if self.cpu > sale.cpu or self.memory > sale.memory:
            return False
        named = not self.models or sale.model in self.models
        return not self.devices or (named and self.devices <= sale.devices and self.device_memory <= sale.device_memory)


def read_catalog(path: Path, spot: bool = True) -> list[Sale]:
    """The machines on sale: each row on demand, and as spot where that has a price. A part of a GPU is one small device."""
    found = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            name = f"{row['cloud']}/{row['region']}/{row['instance_type']}"
            number = float(row["gpu_count"] or 0)
            devices = max(1, int(number)) if number else 0
            size = float(row["gpu_memory_gib"] or 0)
            for purchase, price in (("on_demand", row["price_usd_h"]), ("spot", row["spot_usd_h"] if spot else "")):
                if price:
                    machine = (float(row["vcpus"]), float(row["memory_gib"]), row["gpu"], devices, size, float(price))
                    found.append(Sale(name, purchase, *machine))
    return found


def read_demand(path: Path) -> list[Want]:
    """The classes of replicas."""
    with path.open(newline="") as file:
        return [_want(row) for row in csv.DictReader(file)]


def _want(row: dict[str, str]) -> Want:
    share = row["gpu_count"] == "share"
    return Want(
        row["class"], int(row["replicas"]), float(row["vcpus"]), float(row["memory_gib"]),
        1 if share else int(row["gpu_count"] or 0), share, float(row["gpu_memory_gib"] or 0),
        tuple(filter(None, row["gpu_models"].split("|"))),
    )  # fmt: skip


def check_plan(wants: Sequence[Want], machines: Iterable[tuple[Sale, Contents]]) -> Counter[int]:
    """How many replicas of each class are placed; AssertionError if any machine or device holds more than it has."""
    placed: Counter[int] = Counter()
    for sale, contents in machines:
        cpu, memory, devices = sale.cpu, sale.memory, [sale.device_memory] * sale.devices
        for index, seats in contents:
            want = wants[index]
            for seat in seats:
                assert want.fits(sale), (want, sale)
                assert len(set(seat)) == len(seat) == want.devices, (want, seat)
                cpu, memory = cpu - want.cpu, memory - want.memory
                for device in seat:
                    devices[device] -= want.device_memory if want.share else sale.device_memory
                placed[index] += 1
        assert cpu >= -TOLERANCE and memory >= 0, sale
        assert all(left >= 0 for left in devices), sale
    assert all(placed[index] <= want.count for index, want in enumerate(wants))
    return placed


@dataclass(frozen=True)
class Proof:
    """A value for a replica of each class, a premium for each machine on sale that is limited, and one for the budget."""

    values: Sequence[float]
    premiums: Sequence[float]
    budget: float = 0.0


def proven(
    sales: Sequence[Sale], wants: Sequence[Want], proof: Proof, limits: Sequence[float] = (), budget: float = inf
) -> float:
    """The lower bound that the values prove, where there are `limits` of each machine on sale (none: any number).

    Whatever holds everything within the budget costs at least the sum of the values less all premiums, if no machine's
    contents are worth more than it costs, its premium and the budget's included. AssertionError if some are.
    """
    assert min([*proof.values, *proof.premiums, proof.budget], default=0.0) >= 0
    cheapest: dict[tuple[float | int | str, ...], tuple[float, Sale]] = {}
    for number, sale in enumerate(sales):
        key = (sale.cpu, sale.memory, sale.model, sale.devices, sale.device_memory)
        asked = sale.price * (1 + proof.budget) + proof.premiums[number]
        if not limits or limits[number]:
            cheapest[key] = min(cheapest.get(key, (inf, sale)), (asked, sale), key=lambda each: each[0])
    for asked, sale in cheapest.values():
        limit = asked * (1 + TOLERANCE) + TOLERANCE**2
        if _most(sale, wants, proof.values, whole=False) > limit:
            worth = _most(sale, wants, proof.values, whole=True)
            assert worth <= limit, (sale, worth)
    paid = sum(premium * limits[number] for number, premium in enumerate(proof.premiums) if premium)
    paid += proof.budget * budget if proof.budget else 0.0
    return sum(value * want.count for value, want in zip(proof.values, wants, strict=True)) - paid


def _most(sale: Sale, wants: Sequence[Want], values: Sequence[float], *, whole: bool) -> float:
    """An upper bound of what contents of the machine are worth, in fractions or in whole replicas."""
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    for option in ("output_flag", "log_to_console"):
        highs.setOptionValue(option, False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", 1e-9)
    kind = highspy.HighsVarType.kInteger if whole else highspy.HighsVarType.kContinuous
    held = [index for index, want in enumerate(wants) if want.count and values[index] > 0 and want.fits(sale)]
    tops = {index: min(wants[index].count, _alone(sale, wants[index])) for index in held}
    replicas = {index: highs.addVariable(0, tops[index], values[index], kind) for index in held}
    if not replicas:
        return 0.0
    highs.addConstr(sum(wants[index].cpu * each for index, each in replicas.items()) <= sale.cpu + 1e-9)
    highs.addConstr(sum(wants[index].memory * each for index, each in replicas.items()) <= sale.memory)
    whole_devices = [
        wants[index].devices * each for index, each in replicas.items() if wants[index].devices and not wants[index].share
    ]
    shares: dict[int, list[highspy.highs.highs_var]] = {}
    for index, each in replicas.items():
        if wants[index].share:
            shares.setdefault(round(wants[index].device_memory * MIB), []).append(each)
    used = _flow(highs, floor(sale.device_memory * MIB), shares, kind) if shares else []
    if used or whole_devices:
        highs.addConstr(highspy.Highs.qsum([*used, *whole_devices]) <= sale.devices)
    highs.changeObjectiveSense(highspy.ObjSense.kMaximize)
    highs.run()
    info = highs.getInfo()
    bound = info.mip_dual_bound if whole else info.objective_function_value
    return float(bound) if abs(bound) < highspy.kHighsInf else inf


def _alone(sale: Sale, want: Want) -> int:
    """How many replicas the machine holds when it holds nothing else."""
    bounds = [floor((sale.cpu + 1e-9) / want.cpu) if want.cpu else want.count]
    bounds += [floor(sale.memory / want.memory) if want.memory else want.count]
    if want.devices:
        each = floor(sale.device_memory / want.device_memory) if want.share else 1
        bounds.append(sale.devices * each // want.devices)
    return min(bounds)


def _flow(
    highs: highspy.Highs, size: int, shares: dict[int, list[highspy.highs.highs_var]], kind: highspy.HighsVarType
) -> list[highspy.highs.highs_var]:
    """Paths of shares through a device's memory, from nothing to what is taken; returns the arcs out of nothing."""
    unit = gcd(*shares)
    steps = {share: share // unit for share in sorted(shares, reverse=True)}
    nodes = {0}
    for step in steps.values():
        for node in range(size // unit + 1):
            if node in nodes and node + step <= size // unit:
                nodes.add(node + step)
    arcs = [(node, share) for node in sorted(nodes) for share, step in steps.items() if node + step <= size // unit]
    flows = {arc: highs.addVariable(0, highspy.kHighsInf, 0, kind) for arc in arcs}
    for share, replicas in shares.items():
        carried = [flow for (_, each), flow in flows.items() if each == share]
        highs.addConstr(sum(replicas) - sum(carried) <= 0)
    for node in sorted(nodes - {0}):
        inward = [flow for (start, share), flow in flows.items() if start + steps[share] == node]
        outward = [flow for (start, _), flow in flows.items() if start == node]
        if outward:
            highs.addConstr(sum(outward) - sum(inward) <= 0)
    return [flow for (start, _), flow in flows.items() if start == 0]
