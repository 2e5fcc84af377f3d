"""Columns worth adding: the contents whose replicas are worth more than the machine costs."""

from __future__ import annotations

from typing import Final

import numpy as np

from cloudlayer.scheduler.mixing.filling import fill, orders
from cloudlayer.scheduler.mixing.master import Column, Duals, Master, Solution
from cloudlayer.scheduler.mixing.problem import Floats, Integers, Problem

ENOUGH: Final = 1e-6
"""The part of its price by which a machine's contents must be worth more than it: less is the solver's tolerance."""


def price(problem: Problem, duals: Duals, noise: list[Floats], each: int = 2, slack: float = 0.0) -> list[Column]:
    """For each lot up to `each` contents that pay by these duals, found by filling all forms in many orders at once.

    `slack` is the part of the price that contents may be worth less than it and be taken all the same.
    """
    forms, ranked = orders(problem, duals.values, noise)
    counts = fill(problem, forms, ranked)
    worth = counts @ duals.values
    found: list[Column] = []
    asked = duals.asked(problem, np.arange(len(problem.lots.price)))
    for lot, form in enumerate(problem.lots.form):
        least = asked[lot] * (1 + ENOUGH - slack) + 1e-12
        rows = np.flatnonzero((forms == form) & (worth > least))
        best = rows[np.argsort(-worth[rows], kind="stable")]
        found += _first(counts, ranked, best, lot, each)
    return found


def _first(counts: Integers, ranked: Integers, rows: Integers, lot: int, each: int) -> list[Column]:
    chosen: dict[tuple[int, ...], Column] = {}
    for row in rows:
        contents = tuple(counts[row].tolist())
        if contents not in chosen:
            chosen[contents] = Column(lot, contents, contents, tuple(ranked[row].tolist()))
            if len(chosen) == each:
                break
    return list(chosen.values())


def generate(master: Master, duals: Duals, rounds: int, random: np.random.Generator, tries: int = 1) -> Solution:
    """Price and solve in turn until nothing new pays, at most `rounds` times; `duals` are what to begin with."""
    master.add(price(master.problem, duals, [], slack=0.05))
    solution = master.solve()
    stalled = 0
    for _ in range(rounds):
        if stalled > tries:
            break
        noise = noises(random, len(duals.values), 3 * stalled)
        before = solution.objective
        added = master.add(price(master.problem, solution.duals, noise))
        solution = master.solve() if added else solution
        stalled = stalled + 1 if not added or before - solution.objective < 2e-4 * before else 0
    return solution


def noises(random: np.random.Generator, width: int, number: int) -> list[Floats]:
    """Factors around one that change the order of classes."""
    return [np.exp(random.normal(0.0, 0.5, width)) for _ in range(number)]
