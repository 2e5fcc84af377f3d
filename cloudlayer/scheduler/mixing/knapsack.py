"""The most valuable contents of one machine, exactly: a small integer program for each form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloudlayer.scheduler.mixing.bound import MOST_PATTERNS, fillings
from cloudlayer.scheduler.mixing.filling import Contents, seat
from cloudlayer.scheduler.mixing.problem import TOLERANCE, Floats, Integers, Problem
from cloudlayer.scheduler.mixing.solver import FEASIBLE, INFINITY, Rows, add_columns, add_rows, make_integer, solver

SAFETY: Final = 1e-7
"""The part by which the solver's own bound is raised: its rows hold within tolerances only."""


FINE: Final = 4000
"""The most ways to fill a device that are told apart where the sum of its shares alone misleads."""


@dataclass(frozen=True, slots=True)
class Filled:
    """Contents of one machine with their seats (none where none were found), their worth, and the most that any are worth."""

    counts: tuple[int, ...]
    seats: Contents | None
    worth: float
    most: float


class Knapsack:
    """One form's integer program; values change, the rest stays. `ways` is how many ways to fill a device it tells apart."""

    def __init__(self, problem: Problem, form: int, ways: int = MOST_PATTERNS) -> None:
        self._problem, self._form = problem, form
        self._most = problem.most[form]
        self._held = [int(index) for index in np.flatnonzero(self._most)]
        self._shared = [index for index in self._held if problem.classes.share[index]]
        self._shares = sorted({int(problem.classes.share[index]) for index in self._shared})
        self._ways = fillings(self._shares, int(problem.forms.device_memory[form]), ways) if self._shares else []
        self._finer: Knapsack | None = None
        self._highs = solver()
        self._build()

    def best(self, values: Floats, enough: float, nodes: int) -> Filled:
        """The contents worth most by `values` (K,), as far as at most `nodes` nodes tell; the bound holds in any case.

        None are looked for where fractions show already that none are worth more than `enough`.
        """
        split = self._solve(values, nodes, whole=False)[2]
        if split <= enough:
            return Filled((0,) * len(values), None, 0.0, split)
        counts, drawn, most = self._solve(values, nodes, whole=True)
        if not counts.any():
            return Filled(tuple(counts.tolist()), None, 0.0, most)
        seats = self._seat(counts, drawn)
        if seats is None and self._ways is None:
            self._finer = self._finer or Knapsack(self._problem, self._form, FINE)
            if self._finer._ways is not None:
                return self._finer.best(values, enough, nodes)
        return Filled(tuple(counts.tolist()), seats, float(values @ counts) if seats else 0.0, most)

    def _solve(self, values: Floats, nodes: int, *, whole: bool) -> tuple[Integers, Integers, float]:
        """Counts of replicas and of ways to fill a device, and the bound."""
        mine = values[self._held]
        self._highs.changeColsCost(len(self._held), np.arange(len(self._held), dtype=np.int32), -mine)
        self._highs.setOptionValue("mip_max_nodes", nodes)
        self._highs.setOptionValue("solve_relaxation", not whole)
        self._highs.clearSolver()
        self._highs.run()
        info = self._highs.getInfo()
        most = -float(info.mip_dual_bound if whole else info.objective_function_value)
        most = max(most, 0.0) * (1 + SAFETY) if np.isfinite(most) else float(mine @ self._most[self._held])
        counts, drawn = np.zeros(len(values), dtype=np.int64), np.zeros(len(self._ways or ()), dtype=np.int64)
        if info.primal_solution_status == FEASIBLE:
            solution = np.round(np.array(self._highs.getSolution().col_value)).astype(np.int64)
            counts[self._held], drawn = solution[: len(self._held)], solution[len(self._held) :]
        return counts, drawn, most

    def _seat(self, counts: Integers, drawn: Integers) -> Contents | None:
        """Each replica's devices: largest first if that goes, else as the ways that were drawn have it."""
        if not self._fits(counts):
            return None
        found = seat(self._problem, self._form, counts, self._order())
        return found or (self._seat_by_ways(counts, drawn) if self._ways else None)

    def _seat_by_ways(self, counts: Integers, drawn: Integers) -> Contents | None:
        classes = self._problem.classes
        free: dict[int, list[int]] = {share: [] for share in self._shares}
        device = 0
        for way, number in zip(self._ways or (), drawn, strict=True):
            for _ in range(number):
                for share, room in zip(self._shares, way, strict=True):
                    free[share] += [device] * room
                device += 1
        contents = []
        for index in self._order():
            seats: list[tuple[int, ...]] = []
            for _ in range(int(counts[index])):
                wanted = int(classes.devices[index])
                if classes.share[index]:
                    seats.append((free[int(classes.share[index])].pop(),))
                else:
                    seats.append(tuple(range(device, device + wanted)))
                    device += wanted
            if seats:
                contents.append((index, tuple(seats)))
        return tuple(contents) if device <= self._problem.forms.devices[self._form] else None

    def _order(self) -> tuple[int, ...]:
        """The largest part of a device first: what is left over fills up."""
        needs, devices = self._problem.needs[self._form], self._problem.classes.devices
        return tuple(sorted(self._held, key=lambda index: (-devices[index] * needs[index], index)))

    def _fits(self, counts: Integers) -> bool:
        classes, forms = self._problem.classes, self._problem.forms
        return bool(
            counts @ classes.cpu <= forms.cpu[self._form] + TOLERANCE
            and counts @ classes.memory <= forms.memory[self._form]
            and counts @ classes.disk <= forms.disk[self._form]
        )

    def _build(self) -> None:
        classes, forms, form = self._problem.classes, self._problem.forms, self._form
        held = self._held
        ways = self._ways or []
        width = len(held) + len(ways)
        rows, upper = Rows(), []
        for need, size in ((classes.cpu, forms.cpu), (classes.memory, forms.memory), (classes.disk, forms.disk)):
            unit = max(float(size[form]), TOLERANCE)
            entries = [(place, float(need[index]) / unit) for place, index in enumerate(held) if need[index]]
            if entries:
                rows.add(entries)
                upper.append(1.0 + TOLERANCE)
        self._add_devices(rows, upper)
        tops = [float(self._most[index]) for index in held] + [float(forms.devices[form])] * len(ways)
        add_columns(self._highs, np.zeros(width), np.zeros(width), np.array(tops), Rows(starts=[0] * width))
        add_rows(self._highs, np.full(len(upper), -INFINITY), np.array(upper), rows)
        make_integer(self._highs, width)

    def _add_devices(self, rows: Rows, upper: list[float]) -> None:
        classes, forms, form = self._problem.classes, self._problem.forms, self._form
        used = [
            (place, float(classes.devices[index]))
            for place, index in enumerate(self._held)
            if classes.devices[index] and not classes.share[index]
        ]
        if not used and not self._shared:
            return
        places = {index: place for place, index in enumerate(self._held)}
        if self._ways is None:
            size = float(forms.device_memory[form])
            used += [(places[index], float(classes.share[index]) / size) for index in self._shared]
        else:
            used += [(len(self._held) + number, 1.0) for number in range(len(self._ways))]
        rows.add(used)
        upper.append(float(forms.devices[form]))
        for position, share in enumerate(self._shares if self._ways else []):
            seats = [(len(self._held) + number, -float(way[position])) for number, way in enumerate(self._ways or [])]
            alike = [(places[index], 1.0) for index in self._shared if classes.share[index] == share]
            rows.add([*alike, *[entry for entry in seats if entry[1]]])
            upper.append(0.0)
