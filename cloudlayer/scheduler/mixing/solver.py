"""HiGHS, as this package uses it: one thread, no output, nothing that depends on a clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import highspy
import numpy as np

from cloudlayer.scheduler.mixing.problem import Floats

INFINITY: Final = float(highspy.kHighsInf)
FEASIBLE: Final = 2
"""What HiGHS calls the status of a point that holds all rows."""


@dataclass(slots=True)
class Rows:
    """Rows or columns of a sparse matrix while they are collected."""

    starts: list[int] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, entries: list[tuple[int, float]]) -> None:
        """One more, of (index, value) entries."""
        self.starts.append(len(self.indices))
        for index, value in entries:
            self.indices.append(index)
            self.values.append(value)


def solver() -> highspy.Highs:
    """A quiet solver that answers the same every time."""
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in (("output_flag", False), ("threads", 1), ("parallel", "off"), ("random_seed", 0)):
        highs.setOptionValue(name, value)
    return highs


def add_columns(highs: highspy.Highs, costs: Floats, lower: Floats, upper: Floats, columns: Rows) -> None:
    """Add columns with their entries in rows that are there."""
    highs.addCols(
        len(costs), costs, lower, upper, len(columns.indices),
        np.array(columns.starts, dtype=np.int32), np.array(columns.indices, dtype=np.int32), np.array(columns.values),
    )  # fmt: skip


def add_rows(highs: highspy.Highs, lower: Floats, upper: Floats, rows: Rows | None = None) -> None:
    """Add rows with their entries in columns that are there, or without any."""
    rows = rows or Rows(starts=[0] * len(lower))
    highs.addRows(
        len(lower), lower, upper, len(rows.indices),
        np.array(rows.starts, dtype=np.int32), np.array(rows.indices, dtype=np.int32), np.array(rows.values),
    )  # fmt: skip


def make_integer(highs: highspy.Highs, count: int) -> None:
    """Ask for whole numbers in the first `count` columns."""
    kinds = np.full(count, highspy.HighsVarType.kInteger)
    highs.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
