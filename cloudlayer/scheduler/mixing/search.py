"""The cheapest mix of machines that holds all demands: a good answer at once, then better ones for as long as one likes.

The first answer takes column generation with greedy pricing, and whole machines after its fractions. Those after it come from
exact pricing, which raises the bound until it meets the fractions, and from taking some machines of the best answer apart and
solving for what was on them anew. All of it follows from the arguments alone: who has a clock stops asking when the time is up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cloudlayer.scheduler.mixing.bound import Certificate, compact_bound, scaled
from cloudlayer.scheduler.mixing.filling import Contents, seat
from cloudlayer.scheduler.mixing.knapsack import Knapsack
from cloudlayer.scheduler.mixing.master import Column, Duals, Master, Solution
from cloudlayer.scheduler.mixing.pricing import ENOUGH, generate
from cloudlayer.scheduler.mixing.problem import Booleans, Floats, Integers, Problem, part, useful_lots
from cloudlayer.scheduler.mixing.rounding import Choice, choice, rounded, solved

SHARES: Final = (1.0, 0.9)
"""The parts of each fraction that are taken as sure, one after another: the surer, the less is left to choose well."""
NODES: Final = 20
"""Nodes of branch and bound in which the machines for a remainder are chosen."""
KNAPSACK_NODES: Final = 1000
"""The same for the contents of one machine."""
APART: Final = (6, 10, 16, 24)
"""How many machines are taken apart at a time."""
STEPS: Final = 4
"""How often that is done between two answers."""


@dataclass(frozen=True, slots=True)
class Bought:
    """A machine to buy: its lot, and what is on it, with the devices of each replica."""

    lot: int
    contents: Contents


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Machines that hold the demands, what they cost, and what no machines can cost less than.

    `missing` (K,) is what limits or the budget leave no place for, `homeless` (K,) what no machine on sale holds at all; the
    bound speaks of the rest, and of nothing where something is missing. `certificate` proves it; its premiums are those of
    the problem's own lots.
    """

    machines: tuple[Bought, ...]
    cost: float
    missing: Integers
    homeless: Booleans
    certificate: Certificate
    lower_bound: float

    @property
    def gap(self) -> float | None:
        """The part by which the cost is above the bound at most; None where something is missing or nothing is proven."""
        if self.missing.any():
            return None
        if self.cost <= self.lower_bound:
            return 0.0
        return self.cost / self.lower_bound - 1 if self.lower_bound > 0 else None


def mix(problem: Problem) -> Answer:
    """The first answer: a good one, in about a tenth of a second for a thousand replicas."""
    return next(answers(problem))


def mix_while(problem: Problem, again: Callable[[], bool], enough: float = 1e-5) -> Answer:
    """The best answer found while `again()`, which is asked several times a second, or until its gap is at most `enough`."""
    best = None
    for best in answers(problem):
        if (best.gap is not None and best.gap <= enough) or not again():
            break
    assert best is not None  # noqa: S101  # there is always a first answer
    return best


def answers(problem: Problem) -> Iterator[Answer]:
    """Answers without end, none worse than the one before it, nor its bound lower."""
    homeless = ~problem.holdable()
    lots = useful_lots(problem)
    search = _Search(part(problem, lots, np.where(homeless, 0, problem.classes.count)))
    for best, certificate in search.run():
        premiums = np.zeros(len(problem.lots.price))
        premiums[lots] = certificate.premiums
        yield _answer(search.problem, lots, best, homeless, replace(certificate, premiums=premiums))


def _answer(problem: Problem, lots: Integers, best: Choice, homeless: Booleans, certificate: Certificate) -> Answer:
    left = problem.classes.count.copy()
    machines = []
    for column in sorted(best.machines, key=lambda column: (-problem.lots.price[column.lot], column.lot, column.counts)):
        contents = _kept(problem, column, left)
        if contents:
            machines.append(Bought(int(lots[column.lot]), contents))
    prices = {int(lot): float(price) for lot, price in zip(lots, problem.lots.price, strict=True)}
    cost = sum(prices[machine.lot] for machine in machines)
    bound = replace(certificate, premiums=certificate.premiums[lots]).bound(problem)
    return Answer(tuple(machines), cost, left, homeless, certificate, bound if left.any() else min(bound, cost))


def _kept(problem: Problem, column: Column, left: Integers) -> Contents:
    """The column's contents as far as replicas are left for it, which are taken from `left`."""
    seats = column.seats
    if seats is None:
        seats = seat(problem, int(problem.lots.form[column.lot]), np.array(column.filled), column.order)
    kept = []
    for index, each in seats or ():
        number = min(column.counts[index], int(left[index]), len(each))
        left[index] -= number
        if number:
            kept.append((index, each[:number]))
    return tuple(kept)


class _Search:
    """The columns, the best choice and the best certificate so far."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.certificate = compact_bound(problem)
        self.bound = self.certificate.bound(problem)
        self.best = choice(problem, ())
        self._random = np.random.default_rng(0)
        self._master = Master(problem)
        self._duals = Duals(self.certificate.values, self.certificate.premiums, self.certificate.budget)

    def run(self) -> Iterator[tuple[Choice, Certificate]]:
        """The best so far, after each step."""
        if not len(self.problem.lots.price) or not self.problem.classes.count.any():
            while True:
                yield self.best, self.certificate
        solution = generate(self._master, self._duals, 20, self._random, 3)
        self._round(solution)
        yield self.best, self.certificate
        for _ in self._exact(solution):
            yield self.best, self.certificate
        solution = self._master.solve()
        self._round(solution)
        step = 0
        while True:
            yield self.best, self.certificate
            for _ in range(STEPS):
                self._take_apart(solution, step)
                step += 1

    def _round(self, solution: Solution) -> None:
        for share in SHARES:
            self._offer(rounded(self.problem, self._master.columns, solution, NODES, share))

    def _offer(self, found: Choice) -> None:
        if found.objective < self.best.objective - 1e-9:
            self.best = found

    def _exact(self, solution: Solution) -> Iterator[None]:
        """Exact pricing until nothing pays more; between any two steps of it there is an answer.

        Forms that paid are asked again until none of them does, and then all are, which proves a bound.
        """
        problem, step = self.problem, 0
        programs = [Knapsack(problem, form) for form in range(len(problem.forms.cpu))]
        everyone = asked = list(range(len(programs)))
        while True:
            worth, columns = np.zeros(len(programs)), list[Column]()
            paying: list[int] = []
            for form in asked:
                worth[form], found = self._priced(form, programs[form], solution.duals)
                columns += found
                paying += [form] if found else []
                yield
            if asked == everyone:
                self._prove(scaled(problem, solution.duals.values, solution.duals.budget, worth))
            if self._master.add(columns):
                solution = generate(self._master, self._master.solve().duals, 20, self._random)
                self._take_apart(solution, step := step + 1)
                asked = paying
            elif asked == everyone:
                return
            else:
                asked = everyone

    def _priced(self, form: int, program: Knapsack, duals: Duals) -> tuple[float, list[Column]]:
        lots = np.flatnonzero(self.problem.lots.form == form)
        asked = duals.asked(self.problem, lots)
        filled = program.best(duals.values, float(asked.min()), KNAPSACK_NODES)
        paying = lots[filled.worth > asked * (1 + ENOUGH) + 1e-12]
        return filled.most, [Column(int(lot), filled.counts, filled.counts, (), filled.seats) for lot in paying]

    def _prove(self, certificate: Certificate) -> None:
        bound = certificate.bound(self.problem)
        if bound > self.bound:
            self.bound, self.certificate = bound, certificate

    def _take_apart(self, solution: Solution, step: int) -> None:
        """Solve anew for what is on some machines of the best choice, those more often that hold little for their price."""
        machines = list(self.best.machines)
        number = min(APART[step % len(APART)], len(machines))
        if not number:
            return
        chosen = set(
            self._random.choice(len(machines), number, replace=False, p=self._doubts(machines, solution.duals)).tolist()
        )
        kept = [column for place, column in enumerate(machines) if place not in chosen]
        apart = [column for place, column in enumerate(machines) if place in chosen]
        rest = self.problem.rest(np.array(choice(self.problem, kept).missing, dtype=np.int64), [column.lot for column in kept])
        found = solved(rest, self._master.columns, solution.duals, NODES, start=apart, seed=step)
        self._offer(choice(self.problem, [*kept, *found]))

    def _doubts(self, machines: Sequence[Column], duals: Duals) -> Floats:
        """How likely each machine is to be taken apart."""
        lots = np.array([column.lot for column in machines], dtype=np.int64)
        counts = np.array([column.counts for column in machines])
        asked = duals.asked(self.problem, lots)
        lost = np.clip(1 - (counts @ duals.values) / np.maximum(asked, 1e-12), 0.0, 1.0)
        weights = lost + max(float(lost.mean()), 1e-3)
        chances: Floats = weights / weights.sum()
        return chances
