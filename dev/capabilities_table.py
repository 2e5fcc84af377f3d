"""Write the README's table of what works where, from what providers declare and what the conformance suite found.

    pytest tests/providers tests/end_to_end tests/fleet/test_service.py --junitxml build/conformance.xml
    python dev/capabilities_table.py build/conformance.xml [--check]

A flag that a provider declares is marked only if tests of that provider ran for it and all passed; else the cell says so.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from cloudlayer.errors import CloudLayerError
from cloudlayer.interfaces import Capabilities
from cloudlayer.providers import registry

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- capabilities -->\n", "<!-- /capabilities -->\n"
NOT_RUN = "declared, not tested"
REGIONS = {"aws": "us-east-1"}

PROOFS = {
    "idempotent_create": "test_the_same_token_gives_the_same_instances_in_the_same_order",
    "batch_create": "test_answers_stand_in_the_order_of_the_specs",
    "labels": "test_labels_name_and_token_are_there_from_the_start",
    "engine:process": "test_the_talks_example_is_answered_as_the_talk_shows_it",
    "engine:docker": "test_the_talks_example_is_answered_from_a_container",
    "engine:simulated": "test_what_is_taken_down_leaves_nothing",
}
"""The tests of flags that neither their name nor their parameter tells."""

FOLDERS = {r"providers\.(\w+)": r"\1", r"end_to_end": "local", r"fleet\.test_service": "simulated"}
"""Which provider the tests of a folder are about."""

Case = tuple[str, str, str]
"""Provider, test and outcome."""


def read_results(path: Path) -> list[Case]:
    """What the suite found, from pytest's JUnit file."""
    cases = ElementTree.parse(path).iter("testcase")  # noqa: S314  (written by our own run)
    found = [(_provider(case.get("classname", "")), case) for case in cases]
    return [(provider, case.get("name", ""), _outcome(case)) for provider, case in found if provider]


def _provider(folder: str) -> str | None:
    matches = ((re.search(pattern, folder), name) for pattern, name in FOLDERS.items())
    return next((match.expand(name) for match, name in matches if match), None)


def outcomes(provider: str, flag: str, cases: list[Case]) -> Counter[str]:
    """How the tests of a flag ended: those that use it, not the one that only looks whether it is declared."""
    used = re.compile(rf"{PROOFS.get(flag, f'test_{flag}_')}.*|test_(a_spec|an_instance).*\[{flag}\]")
    return Counter(outcome for name, test, outcome in cases if name == provider and used.fullmatch(test))


def _outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def declared() -> dict[str, Capabilities]:
    """What each installed provider declares; one that cannot be connected here is named on standard error."""
    found = {}
    for name in registry.provider_names():
        try:
            found[name] = registry.connect(name, region=REGIONS.get(name)).capabilities
        except CloudLayerError as error:
            sys.exit(f"{name} cannot be connected: {error}")
    return found


def table(capabilities: dict[str, Capabilities], cases: list[Case]) -> str:
    """The table in Markdown, with the reasons for what is missing under it."""
    flags = sorted({flag for declared in capabilities.values() for flag in declared.items})
    lines = [f"| | {' | '.join(capabilities)} |", f"|---|{'---|' * len(capabilities)}"]
    notes: list[str] = []
    for flag in flags:
        cells = [_cell(declared, flag, outcomes(name, flag, cases), notes) for name, declared in capabilities.items()]
        lines.append(f"| {flag.replace('_', ' ').replace(':', ' ')} | {' | '.join(cells)} |")
    footnotes = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([*lines, "", *footnotes, ""])


def _cell(declared: Capabilities, flag: str, tests: Counter[str], notes: list[str]) -> str:
    capability = declared[flag]
    if not capability:
        note = f"{declared.provider}: {capability.reason}"
        if note not in notes:
            notes.append(note)
        return f"no ({notes.index(note) + 1})"
    if tests["failed"]:
        return "declared, fails its tests"
    return "yes" if tests["passed"] else NOT_RUN


def main() -> None:
    """Replace the table in the README, or with --check only say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = README.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    changed = f"{head}{BEGIN}{table(declared(), read_results(arguments.results))}{END}{tail}"
    if arguments.check:
        sys.exit("README.md: the table is out of date: run dev/capabilities_table.py" if changed != text else 0)
    README.write_text(changed)


if __name__ == "__main__":
    main()
