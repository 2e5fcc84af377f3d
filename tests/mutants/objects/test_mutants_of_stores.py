"""A promise of stores is worth what it catches: for each there is a mutant that breaks it, and the suite finds every one."""

import pytest

from tests.mutants import runs
from tests.mutants.objects import suite

FOUND = [pytest.param(mutant, id=mutant.name) for mutant in suite.MUTANTS]


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    return runs.run(tmp_path_factory.mktemp("mutants") / "report.xml", suite)


@pytest.mark.parametrize("mutant", FOUND)
def test_the_suite_finds_the_mutant(endings, mutant):
    assert runs.finders(endings[mutant.name]), f"{mutant.promise} does not notice {mutant.name}: {endings[mutant.name]}"


@pytest.mark.parametrize("store", [kind.__name__ for kind in suite.SOUND])
def test_the_suite_finds_nothing_in_a_store_that_is_sound(endings, store):
    assert endings[store]
    assert [name for name, ending in endings[store] if ending in ("failure", "error")] == []


def test_every_promise_has_a_mutant_and_a_sound_store_that_keeps_it(endings):
    promises = {promise for _, promise in suite.PROMISES}
    assert {mutant.promise for mutant in suite.MUTANTS} == promises
    kept = {name.partition("[")[0] for kind in suite.SOUND for name, ending in endings[kind.__name__] if ending == "passed"}
    assert kept == promises


def test_there_are_many_promises():
    assert len(suite.PROMISES) >= 50


def test_no_two_mutants_have_one_name():
    assert len({mutant.name for mutant in suite.MUTANTS}) == len(suite.MUTANTS)
