"""What no set of machines can cost less than, with the proof of it.

One linear program lets replicas and machines be split. It keeps for each form its processors, memory, disk, the exact ways in
which shares of devices fill one device, and that no machine holds more of a class than fit an empty one. Its duals give each
replica a value. The proof does not trust the solver: from the duals the most that any one machine's replicas can be worth
is worked out anew, and values are scaled down until none is worth more than its machine costs (Farley's bound).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloudlayer.scheduler.mixing.problem import Floats, Integers, Problem
from cloudlayer.scheduler.mixing.solver import INFINITY, Rows, add_columns, add_rows, solver

MOST_PATTERNS: Final = 200
"""Where a device can be filled in more ways than that, only the sum of its shares is held against its memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """Proof of a lower bound: a value for a replica of each class (K,), a premium for each lot (L,), one for the budget.

    No machine's replicas are worth more than its price times (1 + `budget`) plus its lot's premium. So whatever holds all
    demands costs at least the sum of their values, less the premiums of all machines that there are of a lot and the budget's.
    """

    values: Floats
    premiums: Floats
    budget: float

    def bound(self, problem: Problem) -> float:
        """The lower bound, per hour."""
        limited = self.premiums > 0
        paid = float(self.premiums[limited] @ problem.lots.limit[limited])
        if self.budget:
            paid += self.budget * problem.budget
        return max(0.0, float(self.values @ problem.classes.count) - paid)


def scaled(problem: Problem, values: Floats, budget: float, worth: Floats) -> Certificate:
    """Values made valid, where machines of the forms hold replicas of `worth` (F,) at most.

    What a lot of limited number is short of is added to its premium; for the others all values are scaled down. What free
    machines of any number hold is worth nothing.
    """
    lots = problem.lots
    limited = np.isfinite(lots.limit)
    asked = lots.price * (1 + budget)
    gratis = lots.form[~limited & (lots.price == 0)]
    values = np.where(np.any(problem.forms.allowed[gratis], axis=0), 0.0, values)
    worths = np.where(np.isin(lots.form, gratis), 0.0, worth[lots.form])
    free = ~limited & (worths > 0)
    factor = float(min(1.0, (asked[free] / worths[free]).min(initial=1.0))) * (1 - 1e-12)
    short = np.maximum(worths * factor - asked, 0.0)
    return Certificate(values * factor, np.where(limited, short, 0.0), budget)


def compact_bound(problem: Problem) -> Certificate:
    """The certificate of the compact linear program: quick, and some tenths of a percent below the best there is."""
    return _Compact(problem).certificate()


def fillings(shares: list[int], size: int, most: int = MOST_PATTERNS) -> list[tuple[int, ...]] | None:
    """All ways to fill one device of `size` with `shares` such that nothing more fits; None if there are over `most`."""
    found: list[tuple[int, ...]] = []
    for filling in _fillings(sorted(shares, reverse=True), size):
        found.append(filling)
        if len(found) > most:
            return None
    return [filling[::-1] for filling in found]


def _fillings(shares: list[int], left: int) -> Iterator[tuple[int, ...]]:
    if len(shares) == 1:
        yield (left // shares[0],)
        return
    for number in range(left // shares[0], -1, -1):
        rest = left - number * shares[0]
        for others in _fillings(shares[1:], rest):
            after = rest - sum(count * share for count, share in zip(others, shares[1:], strict=True))
            if after < shares[0]:
                yield (number, *others)


class _Compact:
    """The compact linear program while it is put together, solved and read."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.most = problem.most
        self.classes = np.flatnonzero(problem.classes.count)
        self._rows, self._lower = Rows(), list[float]()
        self._columns = len(problem.lots.price)
        self._column: dict[tuple[int, int], int] = {}
        self._spans: list[dict[str, int]] = []
        self._patterns: list[tuple[list[int], list[tuple[int, ...]] | None]] = []

    def certificate(self) -> Certificate:
        """Build, solve, and prove."""
        for form in range(len(self.problem.forms.cpu)):
            self._add_form(form)
        cover = self._add_cover()
        duals = self._solve()
        values = np.zeros(len(self.problem.classes.count))
        values[self.classes] = np.maximum(duals[cover : cover + len(self.classes)], 0.0)
        budget = max(0.0, float(duals[-1])) if np.isfinite(self.problem.budget) else 0.0
        worth = np.array([self._worth(form, values, duals) for form in range(len(self._spans))])
        return scaled(self.problem, values, budget, worth)

    def _row(self, entries: list[tuple[int, float]], lower: float = 0.0) -> int:
        self._rows.add(entries)
        self._lower.append(lower)
        return len(self._lower) - 1

    def _add_form(self, form: int) -> None:
        problem, most = self.problem, self.most[form]
        lots = [int(lot) for lot in np.flatnonzero(problem.lots.form == form)]
        held = [int(index) for index in self.classes if most[index] > 0]
        for index in held:
            self._column[form, index] = self._columns
            self._columns += 1
        span = {}
        for name, capacity, need in self._dimensions(form):
            used = [(self._column[form, index], -float(need[index])) for index in held if need[index] > 0]
            if used:
                span[name] = self._row([*[(lot, capacity) for lot in lots], *used])
        self._add_devices(form, lots, held, span)
        span["most"] = len(self._lower)
        for index in held:
            self._row([*[(lot, float(most[index])) for lot in lots], (self._column[form, index], -1.0)])
        self._spans.append(span)

    def _dimensions(self, form: int) -> Iterator[tuple[str, float, Floats]]:
        """What is split over a machine, in units of the machine's own size."""
        forms, classes = self.problem.forms, self.problem.classes
        for name, size, need in (
            ("cpu", forms.cpu[form], classes.cpu), ("memory", forms.memory[form], classes.memory),
            ("disk", forms.disk[form], classes.disk),
        ):  # fmt: skip
            unit = max(float(size), 1.0)
            yield name, (float(size) + (1e-9 if name == "cpu" else 0.0)) / unit, need / unit

    def _add_devices(self, form: int, lots: list[int], held: list[int], span: dict[str, int]) -> None:
        forms, classes = self.problem.forms, self.problem.classes
        whole = [index for index in held if classes.devices[index] and not classes.share[index]]
        shared = [index for index in held if classes.share[index]]
        size = int(forms.device_memory[form])
        shares = sorted({int(classes.share[index]) for index in shared})
        ways = fillings(shares, size) if shares else []
        self._patterns.append((shares, ways))
        if not whole and not shared:
            return
        entries = [(lot, float(forms.devices[form])) for lot in lots]
        entries += [(self._column[form, index], -float(classes.devices[index])) for index in whole]
        if ways is None:
            entries += [(self._column[form, index], -float(classes.share[index]) / size) for index in shared]
        else:
            entries += [(self._columns + number, -1.0) for number in range(len(ways))]
        span["devices"] = self._row(entries)
        span["shares"] = len(self._lower)
        for position, share in enumerate(shares if ways else []):
            filled = [(self._columns + number, float(way[position])) for number, way in enumerate(ways or []) if way[position]]
            self._row([*filled, *[(self._column[form, index], -1.0) for index in shared if classes.share[index] == share]])
        self._columns += len(ways or [])

    def _add_cover(self) -> int:
        first = len(self._lower)
        by_class: dict[int, list[tuple[int, float]]] = {int(index): [] for index in self.classes}
        for (_, index), column in self._column.items():
            by_class[index].append((column, 1.0))
        for index, entries in by_class.items():
            self._row([*entries, (self._columns, 1.0)], float(self.problem.classes.count[index]))
            self._columns += 1
        if np.isfinite(self.problem.budget):
            self._row([(lot, -float(price)) for lot, price in enumerate(self.problem.lots.price)], -self.problem.budget)
        return first

    def _solve(self) -> Floats:
        lots, highs = self.problem.lots, solver()
        costs = np.zeros(self._columns)
        costs[: len(lots.price)] = lots.price
        costs[self._columns - len(self.classes) :] = self.problem.penalties[self.classes]
        upper = np.full(self._columns, INFINITY)
        upper[: len(lots.price)] = np.minimum(lots.limit, INFINITY)
        add_columns(highs, costs, np.zeros(self._columns), upper, Rows(starts=[0] * self._columns))
        add_rows(highs, np.array(self._lower), np.full(len(self._lower), INFINITY), self._rows)
        highs.run()
        return np.array(highs.getSolution().row_dual)

    def _worth(self, form: int, values: Floats, duals: Floats) -> float:
        """The most that one machine's replicas are worth: any multipliers prove one, good duals the least."""
        span, classes = self._spans[form], self.problem.classes
        held = np.flatnonzero((self.most[form] > 0) & (classes.count > 0))
        rest, worth = values[held].copy(), 0.0
        for name, capacity, need in self._dimensions(form):
            if name in span:
                price = max(0.0, float(duals[span[name]]))
                worth += price * capacity
                rest -= price * need[held]
        if "devices" in span:
            paid, spent = self._devices_worth(form, held, span, duals)
            worth += paid
            rest -= spent
        return worth + float(np.maximum(rest, 0.0) @ self.most[form][held])

    def _devices_worth(self, form: int, held: Integers, span: dict[str, int], duals: Floats) -> tuple[float, Floats]:
        """What the devices add to a machine's worth, and what of each replica's value they account for."""
        classes, (shares, ways) = self.problem.classes, self._patterns[form]
        price = max(0.0, float(duals[span["devices"]]))
        if ways is None:
            part = np.where(
                classes.share[held] > 0, classes.share[held] / self.problem.forms.device_memory[form], classes.devices[held]
            )
            return price * float(self.problem.forms.devices[form]), price * part
        each = np.maximum(duals[span["shares"] : span["shares"] + len(shares)], 0.0) if ways else np.zeros(0)
        price = max([price, *[float(each @ way) for way in ways]])
        by_share = {share: float(value) for share, value in zip(shares, each, strict=True)}
        spent = [by_share.get(int(classes.share[index]), price * float(classes.devices[index])) for index in held]
        return price * float(self.problem.forms.devices[form]), np.array(spent)
