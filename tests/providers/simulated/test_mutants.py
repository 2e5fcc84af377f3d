"""A promise is worth what it catches: for each there is a mutant that breaks it, and the suite finds every one."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.providers.simulated.mutants import suite

FOUND = [pytest.param(promise, mutant, id=mutant.__name__) for promise, mutant in suite.MUTANTS]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """By the mutant's name, how its tests ended: "passed", "failure", "error" or "skipped"."""
    report = tmp_path_factory.mktemp("mutants") / "report.xml"
    options = ["--tb=no", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", f"--junit-xml={report}"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", suite.__file__, *options],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert report.exists(), run.stdout + run.stderr
    ended = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("classname").rpartition(".Test")[2]
        ended[name].append(next((part.tag for part in case if part.tag in ("failure", "error", "skipped")), "passed"))
    return ended


@pytest.mark.parametrize(("promise", "mutant"), FOUND)
def test_the_suite_finds_the_mutant(outcomes, promise, mutant):
    assert "failure" in outcomes[mutant.__name__], f"{promise} does not notice {mutant.__name__}: {outcomes[mutant.__name__]}"


def test_every_promise_of_the_suite_has_a_mutant():
    assert sorted({promise for promise, _ in suite.MUTANTS}) == suite.PROMISES
