"""A promise is worth what it catches: for each there is a mutant that breaks it, and the suite finds every one."""

import pytest

from tests.mutants import runs, suite

FOUND = [pytest.param(mutant, id=mutant.name) for mutant in suite.MUTANTS]


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    return runs.run(tmp_path_factory.mktemp("mutants") / "report.xml")


@pytest.mark.parametrize("mutant", FOUND)
def test_the_suite_finds_the_mutant(endings, mutant):
    assert runs.finders(endings[mutant.name]), f"{mutant.promise} does not notice {mutant.name}: {endings[mutant.name]}"


def test_every_promise_of_the_suites_has_a_mutant():
    assert {(mutant.suite, mutant.promise) for mutant in suite.MUTANTS} == suite.PROMISES


def test_there_are_many_promises():
    assert len({promise for _, promise in suite.PROMISES}) >= 60


def test_no_two_mutants_have_one_name():
    assert len({mutant.name for mutant in suite.MUTANTS}) == len(suite.MUTANTS)
