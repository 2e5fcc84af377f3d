"""What is to be bought, as arrays: K classes of demands, F forms of machines, and lots of those forms with a price and a limit.

All devices of a form are alike, and a replica takes a share of one device or a number of whole ones; nothing is ever
summed over devices. Memory, disk and device memory are bytes, processors cores, prices per hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

TOLERANCE: Final = 1e-9
"""Cores by which sums of fractions may miss."""

PENALTY: Final = 8.0
"""What leaving a replica out costs, in machines of the dearest kind: no plan leaves one out to save money."""


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Demands that are alike, each array of shape (K,). `devices` is how many whole devices one takes, or 1 for a share.

    `share` is the bytes that it takes of that one device; 0 where it takes devices whole.
    """

    count: Integers
    cpu: Floats
    memory: Floats
    disk: Floats
    devices: Integers
    share: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Forms:
    """Empty machines, each array of shape (F,); `allowed`, of shape (F, K), says which classes fit one when it is empty."""

    cpu: Floats
    memory: Floats
    disk: Floats
    devices: Integers
    device_memory: Floats
    allowed: Booleans


@dataclass(frozen=True, slots=True, eq=False)
class Lots:
    """What is on sale, each array of shape (L,): the index of its form, its price, and how many there are (inf: unlimited)."""

    form: Integers
    price: Floats
    limit: Floats


@dataclass(frozen=True, eq=False)
class Problem:
    """Hold all demands at the least price. `budget` is what the machines may cost together, inf where nothing limits it.

    What follows from it is found once: it is asked for with every content of a machine.
    """

    classes: Classes
    forms: Forms
    lots: Lots
    budget: float = float("inf")

    @cached_property
    def needs(self) -> Floats:
        """Of shape (F, K): the bytes that a replica takes of each device it is on; 0 for one without devices."""
        whole = (self.classes.devices > 0) & (self.classes.share == 0)
        return np.where(whole[None, :], self.forms.device_memory[:, None], self.classes.share[None, :])

    @cached_property
    def most(self) -> Integers:
        """Of shape (F, K): how many replicas of one class alone an empty machine holds; none beyond the count."""
        classes, forms = self.classes, self.forms
        most = np.minimum(classes.count[None, :].astype(float), _quotient(forms.cpu[:, None] + TOLERANCE, classes.cpu))
        most = np.minimum(most, _quotient(forms.memory[:, None], classes.memory))
        most = np.minimum(most, _quotient(forms.disk[:, None], classes.disk))
        each = np.maximum(_quotient(forms.device_memory[:, None], self.needs), 0.0)
        slots = np.where(
            classes.devices > 0, np.minimum(each, 1e9) * forms.devices[:, None] // np.maximum(classes.devices, 1), np.inf
        )
        return np.where(forms.allowed, np.minimum(most, slots), 0.0).astype(np.int64)

    @property
    def penalties(self) -> Floats:
        """Of shape (K,): what leaving out a replica counts as."""
        dearest = float(self.lots.price.max(initial=0.0)) or 1.0
        return np.full(len(self.classes.count), PENALTY * dearest)

    def rest(self, counts: Integers, bought: Sequence[int]) -> Problem:
        """What is still to be solved when `counts` (K,) replicas are left and the lots `bought` are paid for and taken."""
        taken = np.bincount(np.array(bought, dtype=np.int64), minlength=len(self.lots.price))
        lots = replace(self.lots, limit=self.lots.limit - taken)
        budget = self.budget - float(taken @ self.lots.price)
        return replace(self, classes=replace(self.classes, count=counts), lots=lots, budget=budget)

    def holdable(self) -> Booleans:
        """Of shape (K,): whether some form that is on sale holds a replica of the class."""
        sold = np.zeros(len(self.forms.cpu), dtype=bool)
        sold[self.lots.form[(self.lots.limit > 0) & (self.lots.price <= self.budget + TOLERANCE)]] = True
        held: Booleans = np.any(self.forms.allowed & sold[:, None], axis=0)
        return held


def useful_lots(problem: Problem) -> Integers:
    """The lots that no other makes useless: one of any number, no dearer, whose machines hold all that these hold."""
    lots, forms = problem.lots, problem.forms
    form, price = lots.form, lots.price
    guests: Booleans = np.any(forms.allowed[:, problem.classes.devices > 0], axis=1)
    kept: list[int] = []
    order = np.lexsort((np.arange(len(price)), -forms.memory[form], -forms.cpu[form], price))
    for lot in order[(lots.limit > 0)[order]]:
        mine = form[lot]
        better = np.array([other for other in kept if np.isinf(lots.limit[other])], dtype=np.int64)
        theirs = form[better]
        dominated = (forms.cpu[theirs] >= forms.cpu[mine]) & (forms.memory[theirs] >= forms.memory[mine])
        dominated &= (forms.disk[theirs] >= forms.disk[mine]) & (forms.allowed[theirs] | ~forms.allowed[mine]).all(axis=1)
        if guests[mine]:
            dominated &= forms.devices[theirs] >= forms.devices[mine]
            dominated &= forms.device_memory[theirs] >= forms.device_memory[mine]
        if forms.allowed[mine].any() and not dominated.any():
            kept.append(int(lot))
    return np.array(sorted(kept), dtype=np.int64)


def _quotient(capacity: Floats, need: Floats) -> Floats:
    """How often `need` goes into `capacity`; any number of times where nothing is needed."""
    quotient: Floats = np.floor(capacity / np.where(need > 0, need, 1e-200))
    return quotient


def part(problem: Problem, lots: Integers, counts: Integers) -> Problem:
    """The problem with these lots, their forms and these numbers of replicas alone."""
    used, forms = np.unique(problem.lots.form[lots]), problem.forms
    sizes = (forms.cpu[used], forms.memory[used], forms.disk[used])
    chosen = Forms(*sizes, forms.devices[used], forms.device_memory[used], forms.allowed[used])
    sold = Lots(np.searchsorted(used, problem.lots.form[lots]), problem.lots.price[lots], problem.lots.limit[lots])
    return Problem(replace(problem.classes, count=counts), chosen, sold, problem.budget)
