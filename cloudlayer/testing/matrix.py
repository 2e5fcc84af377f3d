"""The table of what works where, made of what a run of the conformance suite wrote down.

    pytest tests/conformance --junitxml conformance.xml
    python -m cloudlayer.testing.matrix conformance.xml [MORE.xml ...] [--write README.md | --check README.md]

A capability that a provider declares is a "yes" only if tests that prove it ran and none failed. Each column says by what kind
of proof, and a cell where it was another one. Between the lines `<!-- capabilities -->` and `<!-- /capabilities -->` of a file
the table is replaced (`--write`), or held against what is there (`--check`: exit code 1 if they differ).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from cloudlayer.testing.provider import FLAGS
from cloudlayer.testing.results import Column, read

BEGIN: Final = "<!-- capabilities -->\n"
END: Final = "<!-- /capabilities -->\n"
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


def table(columns: Sequence[Column]) -> str:
    """Two tables in Markdown: the interfaces with how many of their promises are kept, and every capability, with the reasons
    for what is missing under them."""
    notes: list[str] = []
    head = [_row("", [column.provider for column in columns]), f"|---|{'---|' * len(columns)}"]
    head.append(_row("*proof*", [f"*{column.proof or 'none'}*" for column in columns]))
    lines = [
        *head,
        *(_row(words, [_kept(column, name) for column in columns]) for name, words in INTERFACES.items()),
        "",
        *head,
    ]
    for flag in _flags(columns):
        lines.append(_row(_words(flag), [_cell(column, flag, notes) for column in columns]))
    footnotes = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([*lines, "", *footnotes, ""])


def replaced(text: str, made: str) -> str:
    """The text with the table between its two marks."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"the file has no place for the table: put the lines {BEGIN.strip()} and {END.strip()} there")
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}{made}{END}{rest.split(END)[1]}"


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
    made = table(columns)
    if given.write:
        given.write.write_text(replaced(given.write.read_text(), made))
    elif given.check:
        found = given.check.read_text()
        if replaced(found, made) != found:
            sys.exit(f"{given.check}: the table is out of date: python -m cloudlayer.testing.matrix … --write {given.check}")
    else:
        print(made, end="")


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
