"""The tables of what works where, made of what a run of the conformance suite wrote down.

    pytest tests/conformance --junitxml conformance.xml
    python -m cloudlayer.testing.matrix conformance.xml [MORE.xml ...] [--write README.md | --check README.md]

A capability that a provider or a store declares is a "yes" only if tests that prove it ran and none failed. Each column says by
what kind of proof, and a cell where it was another one. Between the lines `<!-- capabilities -->` and `<!-- /capabilities -->`
of a file the table of providers is replaced (`--write`), or held against what is there (`--check`: exit code 1 if they differ);
between `<!-- objects -->` and `<!-- /objects -->` that of stores. A table that the results say nothing of stays as it is.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from cloudlayer.storage.capabilities import NAMES
from cloudlayer.testing.provider import FLAGS
from cloudlayer.testing.results import Column, read

PROVIDERS: Final = "capabilities"
STORES: Final = "objects"
"""What stands in the marks of the tables; the latter is also the interface that promises of stores are written down with."""
UNTESTED: Final = "declared, not tested"
INTERFACES: Final = {
    "compute": "Compute",
    "autoscaling": "Autoscaling",
    "load_balancing": "Load balancing",
    "storage": "Storage",
}
"""The interfaces, by the names that promises are written down with."""
WHOLE: Final = {"autoscaling": "Autoscaling", "load_balancing": "Load balancing", "volumes": "Storage"}
"""Capabilities that are a whole interface: their rows are headings."""


def tables(columns: Sequence[Column]) -> dict[str, str]:
    """By their marks, the tables of what the columns are of: providers, stores, or both."""
    stores = [column for column in columns if STORES in column.promises]
    providers = [column for column in columns if column not in stores]
    made = {PROVIDERS: (table, providers), STORES: (table_of_stores, stores)}
    return {mark: write(found) for mark, (write, found) in made.items() if found}


def table(columns: Sequence[Column]) -> str:
    """Two tables in Markdown: the interfaces with how many of their promises are kept, and every capability, with the reasons
    for what is missing under them."""
    notes: list[str] = []
    lines = [
        *_head(columns),
        *(_row(words, [_kept(column, name) for column in columns]) for name, words in INTERFACES.items()),
        "",
        *_head(columns),
        *_capabilities(columns, _flags(columns), notes),
    ]
    return "\n".join([*lines, "", *_footnotes(notes), ""])


def table_of_stores(columns: Sequence[Column]) -> str:
    """A table in Markdown: how many promises each store keeps, and every capability, with the reasons under it."""
    notes: list[str] = []
    lines = [
        *_head(columns),
        _row("promises", [_kept(column, STORES) for column in columns]),
        *_capabilities(columns, NAMES, notes),
    ]
    return "\n".join([*lines, "", *_footnotes(notes), ""])


def replaced(text: str, made: Mapping[str, str]) -> str:
    """The text with each table between its two marks."""
    for mark, lines in made.items():
        begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->\n"
        if text.count(begin) != 1 or text.count(end) != 1:
            sys.exit(f"the file has no place for the table: put the lines {begin.strip()} and {end.strip()} there")
        head, rest = text.split(begin)
        text = f"{head}{begin}{lines}{end}{rest.split(end)[1]}"
    return text


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or write or check it in a file."""
    parser = argparse.ArgumentParser(prog="python -m cloudlayer.testing.matrix", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, nargs="+", help="JUnit files of conformance runs")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--write", type=Path, metavar="FILE", help="replace the table in this file")
    place.add_argument("--check", type=Path, metavar="FILE", help="exit with 1 if this file's table is another one")
    given = parser.parse_args(arguments)
    columns = read(given.results)
    if not columns:
        sys.exit("no promise of a provider is in these results: run pytest tests/conformance --junitxml FILE")
    made = tables(columns)
    if given.write:
        given.write.write_text(replaced(given.write.read_text(), made))
    elif given.check:
        found = given.check.read_text()
        if replaced(found, made) != found:
            sys.exit(f"{given.check}: the table is out of date: python -m cloudlayer.testing.matrix … --write {given.check}")
    else:
        print("\n".join(made.values()), end="")


def _head(columns: Sequence[Column]) -> list[str]:
    head = [_row("", [column.provider for column in columns]), f"|---|{'---|' * len(columns)}"]
    return [*head, _row("*proof*", [f"*{column.proof or 'none'}*" for column in columns])]


def _capabilities(columns: Sequence[Column], flags: Iterable[str], notes: list[str]) -> list[str]:
    return [_row(_words(flag), [_cell(column, flag, notes) for column in columns]) for flag in flags]


def _footnotes(notes: Sequence[str]) -> list[str]:
    return [f"{number}. {note}" for number, note in enumerate(notes, 1)]


def _flags(columns: Iterable[Column]) -> list[str]:
    declared = {flag for column in columns for flag in column.declared}
    known = [flag for flag in FLAGS if flag in declared]
    return [*known, *sorted(declared.difference(known))]


def _kept(column: Column, interface: str) -> str:
    """How many of an interface's promises are kept; those about what a provider declares to lack are none of its own."""
    found = column.promises[interface]
    if found["failed"]:
        return f"{found['failed']} broken"
    return f"{found['passed']} kept" if found["passed"] else "none"


def _cell(column: Column, flag: str, notes: list[str]) -> str:
    reason = column.declared.get(flag)
    if reason is None:
        return "not declared"
    if reason:
        note = f"{column.provider}: {reason}"
        if note not in notes:
            notes.append(note)
        return f"no ({notes.index(note) + 1})"
    outcomes = Counter(outcome for proofs in column.outcomes[flag].values() for outcome in proofs.elements())
    if outcomes["failed"]:
        return "fails its tests"
    passed = sorted(proof for proof, found in column.outcomes[flag].items() if found["passed"])
    if not passed:
        return UNTESTED
    return "yes" if column.proof in passed else f"yes ({', '.join(passed)})"


def _row(name: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join([name, *cells])} |"


def _words(flag: str) -> str:
    if flag in WHOLE:
        return f"**{WHOLE[flag]}**"
    for prefix in ("group_", "balancer_", "volume_"):
        flag = flag.removeprefix(prefix)
    return flag.replace("_", " ").replace(":", " ")


if __name__ == "__main__":
    main()
