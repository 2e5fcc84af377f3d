"""What conformance runs found, read from pytest's JUnit files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree


@dataclass
class Column:
    """What is known of one provider.

    `declared` leads from a capability to the reason for which it is missing, empty if it is there: what one of the runs had,
    another may have lacked, such as an engine. `outcomes` tells, for each
    capability and kind of proof, how often tests that prove it "passed", "failed" or were "skipped"; `promises` tells the same
    for all tests of an interface.
    """

    provider: str
    declared: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, dict[str, Counter[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Counter)))
    proofs: Counter[str] = field(default_factory=Counter)
    promises: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def proof(self) -> str:
        """The kind of proof of most of its tests."""
        return self.proofs.most_common(1)[0][0] if self.proofs else ""


def read(files: Iterable[Path]) -> list[Column]:
    """A column for each provider that the results speak of, by name.

    Of a test that is in several files the last one that ran it counts: what failed may have been run once more.
    """
    columns: dict[str, Column] = {}
    for case in _last(files):
        properties = list(_properties(case))
        provider = dict(properties).get("provider")
        if provider:
            _add(columns.setdefault(provider, Column(provider)), case, properties)
    return [columns[name] for name in sorted(columns)]


def _last(files: Iterable[Path]) -> Iterable[ElementTree.Element]:
    cases: dict[tuple[str, str], ElementTree.Element] = {}
    for path in files:
        for case in ElementTree.parse(path).iter("testcase"):  # noqa: S314  (written by our own run)
            name = case.get("classname", ""), case.get("name", "")
            if name not in cases or _outcome(case) != "skipped":
                cases[name] = case
    return cases.values()


def _add(column: Column, case: ElementTree.Element, properties: list[tuple[str, str]]) -> None:
    said, outcome = dict(properties), _outcome(case)
    proof = said.get("proof", "")
    column.promises[said.get("interface", "")][outcome] += 1
    if outcome == "passed":
        column.proofs[proof] += 1
    for name, value in properties:
        if name == "proves":
            column.outcomes[value][proof][outcome] += 1
            if outcome == "passed":
                column.declared[value] = ""
        elif name == "declares":
            flag, _, reason = value.partition(": ")
            column.declared[flag] = reason and column.declared.get(flag, reason)


def _properties(case: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for found in case.iter("property"):
        yield found.get("name", ""), found.get("value", "")


def _outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"
