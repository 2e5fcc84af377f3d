"""The master program: how many machines of which contents. In fractions it prices replicas, whole it is a plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import highspy
import numpy as np

from cloudlayer.scheduler.mixing.filling import Contents
from cloudlayer.scheduler.mixing.problem import Floats, Integers, Problem
from cloudlayer.scheduler.mixing.solver import FEASIBLE, INFINITY, Rows, add_columns, add_rows, make_integer, solver


@dataclass(frozen=True, slots=True)
class Column:
    """A machine of a lot with its contents, the number of replicas of each class.

    `filled` is what it was filled with, in `order`, before some were taken off; where no order leads there, `seats` holds the
    devices of each replica.
    """

    lot: int
    counts: tuple[int, ...]
    filled: tuple[int, ...]
    order: tuple[int, ...]
    seats: Contents | None = None

    @property
    def key(self) -> tuple[int, tuple[int, ...]]:
        """What tells it from others."""
        return self.lot, self.counts


def clipped(columns: Sequence[Column], most: Integers) -> list[Column]:
    """The columns with no more of each class than `most` (K,), without those of which nothing is left."""
    if not columns:
        return []
    counts = np.minimum(np.array([column.counts for column in columns]), most)
    return [
        column if column.counts == (mine := tuple(row)) else replace(column, counts=mine)
        for column, row in zip(columns, counts.tolist(), strict=True)
        if any(row)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Duals:
    """What one more replica of each class costs (K,), and what one more machine of each lot (L,) and more budget save."""

    values: Floats
    premiums: Floats
    budget: float

    def asked(self, problem: Problem, lots: Integers) -> Floats:
        """What a machine of each of the lots must hold the worth of: its price, and what the limits make of it."""
        asked: Floats = problem.lots.price[lots] * (1 + self.budget) + self.premiums[lots]
        return asked


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """How many machines of each column, in fractions, and what replicas are worth then."""

    amounts: Floats
    objective: float
    duals: Duals


class Master:
    """The linear program over columns, to which columns are added; it goes on from where it was."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.columns: list[Column] = []
        self._known: set[tuple[int, tuple[int, ...]]] = set()
        self._limited = [int(lot) for lot in np.flatnonzero(np.isfinite(problem.lots.limit))]
        self._highs = _rows(problem, self._limited)

    def add(self, columns: Iterable[Column]) -> int:
        """Add those that are new; returns how many."""
        fresh: list[Column] = []
        for column in columns:
            if column.key not in self._known:
                self._known.add(column.key)
                fresh.append(column)
        _add(self._highs, self.problem, self._limited, fresh)
        self.columns += fresh
        return len(fresh)

    def solve(self) -> Solution:
        """The optimum over the columns there are, in fractions, with its duals."""
        self._highs.run()
        answer = self._highs.getSolution()
        split = len(self.problem.classes.count)
        duals, amounts = np.array(answer.row_dual), np.array(answer.col_value)
        premiums = np.zeros(len(self.problem.lots.price))
        premiums[self._limited] = np.maximum(-duals[split : split + len(self._limited)], 0.0)
        budget = max(0.0, -float(duals[-1])) if np.isfinite(self.problem.budget) else 0.0
        return Solution(
            np.maximum(amounts[split:], 0.0),
            float(self._highs.getInfo().objective_function_value),
            Duals(np.maximum(duals[:split], 0.0), premiums, budget),
        )


def whole(problem: Problem, columns: Sequence[Column], nodes: int, start: Integers | None = None) -> Integers | None:
    """How many whole machines of each column: a good choice, found in at most `nodes` nodes of branch and bound.

    `start` is a choice to begin with. None if none was found.
    """
    limited = [int(lot) for lot in np.flatnonzero(np.isfinite(problem.lots.limit))]
    highs = _rows(problem, limited)
    _add(highs, problem, limited, columns)
    split = len(problem.classes.count)
    make_integer(highs, split + len(columns))
    highs.setOptionValue("mip_max_nodes", nodes)
    highs.setOptionValue("mip_rel_gap", 1e-5)
    if start is not None:
        _start(highs, problem, columns, start)
    highs.run()
    if highs.getInfo().primal_solution_status != FEASIBLE:
        return None
    return np.round(np.array(highs.getSolution().col_value)[split:]).astype(np.int64)


def _start(highs: highspy.Highs, problem: Problem, columns: Sequence[Column], start: Integers) -> None:
    amounts = start.astype(float)
    held = np.array([column.counts for column in columns]).T @ amounts
    guess = highspy.HighsSolution()
    guess.col_value = [*np.maximum(problem.classes.count - held, 0.0), *amounts]
    highs.setSolution(guess)


def _rows(problem: Problem, limited: Sequence[int]) -> highspy.Highs:
    """A program with its rows and with the columns of what is left out."""
    highs = solver()
    counts = problem.classes.count.astype(float)
    add_rows(highs, counts, np.full(len(counts), INFINITY))
    if limited:
        add_rows(highs, np.full(len(limited), -INFINITY), problem.lots.limit[list(limited)])
    if np.isfinite(problem.budget):
        add_rows(highs, np.array([-INFINITY]), np.array([problem.budget]))
    left_out = Rows()
    for index in range(len(counts)):
        left_out.add([(index, 1.0)])
    add_columns(highs, problem.penalties, np.zeros(len(counts)), np.full(len(counts), INFINITY), left_out)
    return highs


def _add(highs: highspy.Highs, problem: Problem, limited: Sequence[int], columns: Sequence[Column]) -> None:
    if not columns:
        return
    split = len(problem.classes.count)
    places = {lot: split + position for position, lot in enumerate(limited)}
    prices = problem.lots.price[[column.lot for column in columns]]
    entries = Rows()
    for column, price in zip(columns, prices, strict=True):
        mine = [(index, float(count)) for index, count in enumerate(column.counts) if count]
        if column.lot in places:
            mine.append((places[column.lot], 1.0))
        if np.isfinite(problem.budget) and price:
            mine.append((split + len(limited), float(price)))
        entries.add(mine)
    add_columns(highs, prices, np.zeros(len(columns)), np.full(len(columns), INFINITY), entries)
