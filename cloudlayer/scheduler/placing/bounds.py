"""What no placement on given machines can be worth more than, with the proof of it.

A linear program lets replicas be split. It keeps, for each kind of machines, their processors, memory and disk, and the exact
ways in which the parts that replicas take fill one device (columns made as they are wanted, by a knapsack of one dimension;
MIG instances by their places). Its duals are prices: of a replica of each shape, of each resource, of each part of a device.

The proof does not trust the solver. Let u be the prices of replicas, v their values. Whatever stands on one machine is worth
at most the sum of its u and `worth`, the most that v - u can come to on a machine of the kind: what its processors, memory,
disk and devices cost at their prices (a device as much as its dearest filling), and whatever replicas are worth beyond what
they pay for those, as often as they fit. Over all machines: at most the sum of worths, and u once for each replica that there
is; where u is negative, for each that must be placed. Any prices prove a bound; good ones the least (Lagrange; Farley 1990).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloudlayer.scheduler.mixing.solver import INFINITY, Rows, add_columns, add_rows, solver
from cloudlayer.scheduler.placing.arrays import Integers, Machines, Shapes
from cloudlayer.scheduler.placing.filling import Filling, best_filling
from cloudlayer.scheduler.placing.kinds import DeviceKind, Floats, Kind, Symbol, kinds

ROUNDS: Final = 60
"""Rounds of new columns at most; the bound holds after any number."""
PENALTY: Final = 10.0
"""What a missing replica costs, in greatest values."""
SAFETY: Final = 1e-9
"""The part by which sums of prices may be rounded wrongly."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Of each of K shapes: at most how many replicas, what one is worth, and how many must be placed."""

    shapes: Shapes
    counts: Integers
    values: Integers
    kept: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """`replica` (K,) of one of each shape; for each kind of machines those of its (3,) sizes, and of the parts of devices.

    `dearest` is what fills each kind of devices of each kind of machines best at these prices, and what that is worth.
    """

    replica: Floats
    sizes: tuple[Floats, ...]
    parts: tuple[Mapping[Symbol, float], ...]
    dearest: tuple[tuple[tuple[float, Filling], ...], ...]


def upper_bound(shapes: Shapes, counts: Integers, machines: Machines, values: Integers, kept: Integers | None = None) -> float:
    """What replicas, at most `counts` (K,) of each shape, can be worth at most on the machines, by `values` (K,) each.

    `kept` (K,), none by default, of each shape must all be placed. If they cannot be, any number may be returned.
    """
    wanted = Wanted(shapes, counts, values, np.zeros_like(counts) if kept is None else kept)
    counted = np.flatnonzero((counts > 0) & ((values > 0) | (wanted.kept > 0)))
    groups = kinds(shapes, counted, machines)
    program = _Program(wanted, groups)
    least = np.inf
    for _ in range(ROUNDS):
        prices = program.solve()
        least = min(least, proven(prices, wanted, groups))
        if not program.extend(prices):
            break
    return float(np.floor(least * (1 + SAFETY) + SAFETY))


def proven(prices: Prices, wanted: Wanted, groups: list[Kind]) -> float:
    """The bound that the prices prove, whatever they are."""
    replica = prices.replica
    total = float(np.where(replica > 0, wanted.counts * replica, wanted.kept * replica).sum())
    for number, kind in enumerate(groups):
        total += kind.number * worth(kind, wanted, prices, number)
    return total


def worth(kind: Kind, wanted: Wanted, prices: Prices, number: int) -> float:
    """The most that what stands on one machine of the kind, by its number, is worth beyond the prices of its replicas."""
    replica, sizes, parts = prices.replica, prices.sizes[number], prices.parts[number]
    total = float(sizes @ kind.size)
    total += sum(device.number * best for device, (best, _) in zip(kind.devices, prices.dearest[number], strict=True))
    for shape, most, symbol in zip(kind.held, kind.most, kind.symbols, strict=True):
        spent = float(sizes @ _needs(wanted.shapes, shape))
        spent += float(wanted.shapes.devices[shape]) * parts[symbol] if symbol else 0.0
        total += most * max(0.0, float(wanted.values[shape]) - float(replica[shape]) - spent)
    return total


def _needs(shapes: Shapes, shape: int) -> Floats:
    return np.array([shapes.cpu[shape], shapes.memory[shape], shapes.disk[shape]], dtype=np.float64)


class _Program:
    """The linear program: rows for shapes, for each kind its sizes, symbols and kinds of devices; columns that grow."""

    def __init__(self, wanted: Wanted, groups: list[Kind]) -> None:
        self._shapes, self._values, self._groups = wanted.shapes, wanted.values, groups
        counts, kept = wanted.counts, wanted.kept
        self._highs = solver()
        upper, lower = [counts.astype(np.float64)], [np.where(kept > 0, kept, -INFINITY).astype(np.float64)]
        self._sizes: list[int] = []
        self._symbols: list[dict[Symbol, int]] = []
        self._devices: list[int] = []
        self._rows = len(counts)
        for kind in groups:
            self._add_rows(kind, upper)
        limits = np.concatenate(upper)
        floors = np.concatenate([*lower, np.full(len(limits) - len(counts), -INFINITY)])
        add_rows(self._highs, floors, limits)
        for number, kind in enumerate(groups):
            self._add_replicas(number, kind)
        self._add_missing(np.flatnonzero(kept))
        self._known: set[tuple[int, int, tuple[tuple[Symbol, int], ...]]] = set()

    def _add_rows(self, kind: Kind, upper: list[Floats]) -> None:
        symbols = list(dict.fromkeys(symbol for symbol in kind.symbols if symbol))
        self._sizes.append(self._rows)
        self._symbols.append({symbol: self._rows + 3 + place for place, symbol in enumerate(symbols)})
        self._devices.append(self._rows + 3 + len(symbols))
        # in units of the machine's own size, so that bytes and thousandths meet the solver's tolerances alike
        upper.append(np.full(3, float(kind.number)))
        upper.append(np.zeros(len(symbols)))
        upper.append(np.array([float(kind.number * device.number) for device in kind.devices]))
        self._rows += 3 + len(symbols) + len(kind.devices)

    def _add_replicas(self, number: int, kind: Kind) -> None:
        columns = Rows()
        for shape, symbol in zip(kind.held, kind.symbols, strict=True):
            part = _needs(self._shapes, shape) / np.maximum(kind.size, 1.0)
            entries = [(self._sizes[number] + place, float(each)) for place, each in enumerate(part) if each]
            if symbol:
                entries.append((self._symbols[number][symbol], float(self._shapes.devices[shape])))
            columns.add([(shape, 1.0), *entries])
        costs = -self._values[list(kind.held)].astype(np.float64)
        most = np.minimum(kind.number * np.array(kind.most, dtype=np.float64), INFINITY)
        add_columns(self._highs, costs, np.zeros(len(costs)), most, columns)

    def _add_missing(self, must: Integers) -> None:
        """Those that must be placed may be missing at a penalty, since the first fillings need not have room for all."""
        columns = Rows()
        for shape in must.tolist():
            columns.add([(shape, 1.0)])
        penalty = PENALTY * float(max(1, self._values.max(initial=1)))
        add_columns(self._highs, np.full(len(must), penalty), np.zeros(len(must)), np.full(len(must), INFINITY), columns)

    def solve(self) -> Prices:
        """The prices of the program as it stands."""
        self._highs.run()
        duals = -np.array(self._highs.getSolution().row_dual)
        count = len(self._values)
        sizes = [
            np.maximum(duals[row : row + 3], 0.0) / np.maximum(kind.size, 1.0)
            for row, kind in zip(self._sizes, self._groups, strict=True)
        ]
        parts = [{symbol: max(0.0, float(duals[row])) for symbol, row in each.items()} for each in self._symbols]
        dearest = tuple(
            tuple(best_filling(device, each) for device in kind.devices) for kind, each in zip(self._groups, parts, strict=True)
        )
        return Prices(duals[:count], tuple(sizes), tuple(parts), dearest)

    def extend(self, prices: Prices) -> bool:
        """Add the dearest filling of each kind of devices, where it is new; False if none is."""
        columns = Rows()
        for number, (kind, parts) in enumerate(zip(self._groups, prices.parts, strict=True)):
            for place, (device, (_, dearest)) in enumerate(zip(kind.devices, prices.dearest[number], strict=True)):
                for filling in [*self._alone(device, parts), dearest]:
                    key = (number, place, tuple(filling.items()))
                    if filling and key not in self._known:
                        self._known.add(key)
                        entries = [(self._symbols[number][symbol], -float(times)) for symbol, times in filling.items()]
                        columns.add([*entries, (self._devices[number] + place, 1.0)])
        added = len(columns.starts)
        if added:
            add_columns(self._highs, np.zeros(added), np.zeros(added), np.full(added, INFINITY), columns)
        return added > 0

    def _alone(self, device: DeviceKind, parts: Mapping[Symbol, float]) -> list[Filling]:
        """To begin with, each symbol alone, as often as it fits."""
        return [] if self._known else [{symbol: device.most(symbol)} for symbol in parts if device.most(symbol)]
