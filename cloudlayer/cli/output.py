"""What a command prints: results on standard output, as a table or one JSON document; progress and faults on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, Literal, TextIO

from cloudlayer.cli import fitting
from cloudlayer.cli.exits import Refused

UNKNOWN: Final = "?"
"""What a table shows where something is not known. Never 0."""


def print_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(plain(value), indent=2, ensure_ascii=False), flush=True)


def plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses and specs become objects, without the fields that their `repr` leaves out."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value) if item.repr}
    if hasattr(value, "model_dump"):
        return {name: plain(getattr(value, name)) for name, item in type(value).model_fields.items() if item.repr}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, PurePath) else value


def table_stream(*, json: bool) -> TextIO:
    """Where a table goes that is shown before the result: beside the one document, or before the result itself."""
    return sys.stderr if json else sys.stdout


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "nothing", stream: TextIO | None = None
) -> None:
    """Print rows under headings, on standard output unless `stream` is another; without rows `empty` goes to standard error.

    `columns` starting with ">" are flushed right; those that start with "~", before that, are left out where the terminal is
    too narrow for them. On a terminal the table is fitted to it, in lines as many as it takes; into a pipe or file it goes
    whole, a line a row, and nothing is coloured.
    """
    stream = stream or sys.stdout
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not texts:
        note(empty)
    elif stream.isatty():
        _print_fitted(columns, texts, stream)
    else:
        _print_whole(columns, texts, stream)


def _print_fitted(columns: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream, no_color="NO_COLOR" in os.environ)
    shown = fitting.kept(columns, rows, console.width)
    hidden = [index for index in range(len(columns)) if index not in shown and any(row[index] for row in rows)]
    missing = ", ".join(fitting.title(columns[index]) for index in hidden)
    columns, rows = [columns[index] for index in shown], [[row[index] for index in shown] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, fitting.GAP - 1, 0, 0), header_style="bold")
    for column, width in zip(columns, fitting.widths(columns, rows, console.width), strict=True):
        justify: Literal["left", "right"] = "right" if fitting.is_flushed_right(column) else "left"
        table.add_column(fitting.title(column), width=width, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    if missing:
        note(f"the terminal is too narrow for {missing}")


def _print_whole(columns: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO) -> None:
    headed = [[fitting.title(column) for column in columns], *rows]
    widths = [max(len(row[index]) for row in headed) for index in range(len(columns))]
    for row in headed:
        cells = zip(map(fitting.is_flushed_right, columns), row, widths, strict=True)
        padded = (cell.rjust(width) if flushed else cell.ljust(width) for flushed, cell, width in cells)
        print("  ".join(padded).rstrip(), file=stream)
    stream.flush()


def note(text: str) -> None:
    """Tell progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def counted(number: int, noun: str) -> str:
    """A number of things in words, as in "2 machines"."""
    return f"{number} {noun}{'s' * (number != 1)}"


def complain(text: str) -> None:
    """Tell a fault, on standard error: one line each, none of them without the word that makes it one."""
    for line in text.splitlines() or [""]:
        note(f"{_red('error:')} {line}")


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless `yes`; Refused if the answer is no, or if there is nobody to ask."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(f"{question} There is no terminal to ask on: give --yes to agree")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Refused("nothing was done")


def _red(text: str) -> str:
    coloured = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    return f"\x1b[31m{text}\x1b[0m" if coloured else text
