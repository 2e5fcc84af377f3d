"""Runs the suites against the mutants, and tells what became of each. `python -m tests.mutants.runs` prints it as a table; with
`objects` after it, of the mutants of stores."""

import subprocess
import sys
import tempfile
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

from tests.mutants import suite as of_providers

BAD = ("failure", "error", "skipped")


def run(report, suite=of_providers):
    """By the mutant's name, its tests' endings: (the test's name, "passed", "failure", "error" or "skipped")."""
    options = ["--tb=no", "--no-header", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", f"--junit-xml={report}"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", suite.__file__, *options],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    if not report.exists():
        raise RuntimeError(ran.stdout + ran.stderr)
    ended = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("classname").rpartition(".Test")[2]
        ended[name].append((case.get("name"), next((part.tag for part in case if part.tag in BAD), "passed")))
    return ended


def finders(endings):
    """The tests that found a mutant."""
    return [name for name, ending in endings if ending == "failure"]


def main():
    """Print each promise with its mutants and the tests that found them; 1 if one was not found."""
    suite = import_module("tests.mutants.objects.suite") if sys.argv[1:] == ["objects"] else of_providers
    with tempfile.TemporaryDirectory() as folder:
        ended = run(Path(folder) / "report.xml", suite)
    rows = sorted((mutant.suite.__name__, mutant.promise, mutant.name) for mutant in suite.MUTANTS)
    missed = 0
    for family, promise, name in rows:
        found = finders(ended[name])
        missed += not found
        print(f"{family:<24} {promise.removeprefix('test_'):<74} {name:<38} {_by(promise, found)}")
    print(f"{len(suite.PROMISES)} promises, {len(rows)} mutants, {len(rows) - missed} found")
    return 1 if missed else 0


def _by(promise, found):
    if not found:
        return "NOT FOUND"
    parameters = [name.removeprefix(promise).strip("[]") for name in found]
    return f"found by {', '.join(filter(None, parameters)) or 'it'}"


if __name__ == "__main__":
    sys.exit(main())
