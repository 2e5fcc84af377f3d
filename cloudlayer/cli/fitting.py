"""How wide the columns of a table are on a terminal: no cell loses a letter, and words stay whole as long as they can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

GAP: Final = 2
"""Spaces between two columns."""
_NARROWEST: Final = 4

Texts = Sequence[Sequence[str]]


def kept(columns: Sequence[str], rows: Texts, width: int) -> list[int]:
    """The indices of the columns that are shown within `width` characters.

    Those that give way, which start with "~", are left out if they are empty, and else from the right until the words of the
    others fit.
    """
    shown = [index for index in range(len(columns)) if not gives_way(columns[index]) or any(row[index] for row in rows)]
    yielding = [index for index in shown if gives_way(columns[index])]
    while yielding and _total([longest_word(_cells(columns, rows, index)) for index in shown]) > width:
        shown.remove(yielding.pop())
    return shown


def widths(columns: Sequence[str], rows: Texts, width: int) -> list[int]:
    """For each column a width, which together with the gaps are at most `width` if that can be.

    What is left over once each word fits goes to those that need least of it to have each cell in one line, and the rest to
    the one that needs most. Where not even the words fit, the widest columns have theirs broken.
    """
    columns_of_cells = [_cells(columns, rows, index) for index in range(len(columns))]
    wanted = [max(len(cell) for cell in cells) for cells in columns_of_cells]
    found = [longest_word(cells) for cells in columns_of_cells]
    while _total(found) > width and max(found) > _NARROWEST:
        found[found.index(max(found))] -= 1
    needs = sorted((most - least, index) for index, (most, least) in enumerate(zip(wanted, found, strict=True)))
    for need, index in needs:
        left = width - _total(found)
        if need <= left:
            found[index] = wanted[index]
        elif index == needs[-1][1]:
            found[index] += max(0, left)
    return found


def title(column: str) -> str:
    """A column's heading: without the marks that say how it is shown."""
    return column.removeprefix("~").removeprefix(">")


def gives_way(column: str) -> bool:
    """Whether the column may be left out, by its mark."""
    return column.startswith("~")


def is_flushed_right(column: str) -> bool:
    """Whether the column is, by its mark."""
    return column.removeprefix("~").startswith(">")


def longest_word(cells: Sequence[str]) -> int:
    """How many letters the longest word of the cells has; at least one."""
    return max((len(word) for cell in cells for word in cell.split()), default=1)


def _cells(columns: Sequence[str], rows: Texts, index: int) -> list[str]:
    return [title(columns[index]), *(row[index] for row in rows)]


def _total(found: Sequence[int]) -> int:
    return sum(found) + GAP * (len(found) - 1)
