"""From fractions to whole machines: what the fractions are sure of is taken, what is left is solved anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloudlayer.scheduler.mixing.master import Column, Duals, Master, Solution, clipped, whole
from cloudlayer.scheduler.mixing.pricing import generate
from cloudlayer.scheduler.mixing.problem import Problem

CHOSEN: Final = 160
"""The most columns that whole machines are chosen from: those that cost least beyond what their contents are worth."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Machines, a column for each; what is left out, and what it all costs with the penalties for that."""

    machines: tuple[Column, ...]
    missing: tuple[int, ...]
    objective: float


def choice(problem: Problem, machines: Sequence[Column]) -> Choice:
    """These machines as an answer to the problem."""
    width = len(problem.classes.count)
    held = np.array([column.counts for column in machines], dtype=np.int64).reshape(len(machines), width).sum(axis=0)
    missing = np.maximum(problem.classes.count - held, 0)
    cost = sum(float(problem.lots.price[column.lot]) for column in machines)
    return Choice(tuple(machines), tuple(missing.tolist()), cost + float(missing @ problem.penalties))


def rounded(problem: Problem, columns: Sequence[Column], solution: Solution, nodes: int, share: float = 1.0) -> Choice:
    """Whole machines after a solution in fractions; `share` is the part of each column's machines that is taken as sure."""
    sure = np.floor(solution.amounts * share + 1e-7).astype(np.int64)
    machines = [column for column, number in zip(columns, sure, strict=True) for _ in range(number)]
    taken = choice(problem, machines)
    rest = problem.rest(np.array(taken.missing, dtype=np.int64), [column.lot for column in machines])
    if not rest.classes.count.any():
        return taken
    return choice(problem, [*machines, *solved(rest, columns, solution.duals, nodes)])


def solved(
    problem: Problem,
    columns: Sequence[Column],
    duals: Duals,
    nodes: int,
    *,
    start: Sequence[Column] = (),
    seed: int = 0,
) -> list[Column]:
    """Whole machines for a small problem: columns made for it join those known, and the best few are chosen from.

    `start` is an answer that is known; none is returned that is worse.
    """
    left = problem.classes.count
    start = clipped(start, left)
    master = Master(problem)
    master.add([*start, *clipped(columns, left)])
    solution = generate(master, duals, 6, np.random.default_rng(seed))
    chosen = _likely(problem, master.columns, solution, {column.key for column in start})
    places = {column.key: place for place, column in enumerate(chosen)}
    first = np.array([places[column.key] for column in start], dtype=np.int64)
    found = whole(problem, chosen, nodes, np.bincount(first, minlength=len(chosen)) if start else None)
    if found is None:
        return list(start)
    return [column for column, number in zip(chosen, found, strict=True) for _ in range(number)]


def _likely(
    problem: Problem, columns: Sequence[Column], solution: Solution, known: set[tuple[int, tuple[int, ...]]]
) -> list[Column]:
    duals = solution.duals
    lots = np.array([column.lot for column in columns], dtype=np.int64)
    asked = duals.asked(problem, lots)
    spare = asked - np.array([column.counts for column in columns]) @ duals.values
    order = [*np.flatnonzero([column.key in known for column in columns]), *np.flatnonzero(solution.amounts > 0)]
    order += np.argsort(spare, kind="stable")[:CHOSEN].tolist()
    return [columns[index] for index in dict.fromkeys(order)]
