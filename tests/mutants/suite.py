"""The suites, run against each mutant: only the promise that it breaks. Run by `runs`, never by itself."""

import pytest

from tests.conformance.simulated.world import OnAWorld
from tests.mutants import balancers, groups, keeping, making, provider, shares, snapshots, volumes  # noqa: F401
from tests.mutants.base import MUTANTS, SECRET, SUITES, connect
from tests.mutants.compute import capabilities, creation, failures, lifecycle, offers, recovery  # noqa: F401

PROMISES = {(suite, name) for suite in SUITES.values() for name in dir(suite) if name.startswith("test_")}


class AgainstAMutant(OnAWorld):
    mutant = None

    @pytest.fixture
    def secrets(self):
        return (SECRET,)

    @pytest.fixture
    def provider(self, world):
        return connect(self.mutant, world)


def suite_of(mutant):
    """The mutant's suite with the promise that it breaks alone."""
    others = {name: None for suite, name in PROMISES if suite is mutant.suite and name != mutant.promise}
    return type(f"Test{mutant.name}", (AgainstAMutant, mutant.suite), {**others, "mutant": mutant.kind})


globals().update({f"Test{mutant.name}": suite_of(mutant) for mutant in MUTANTS})
