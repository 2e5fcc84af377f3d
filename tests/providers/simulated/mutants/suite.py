"""The suite, run against each mutant: only the promise that it breaks. Run by test_mutants, never by itself."""

import pytest

from cloudlayer.providers.simulated import World
from cloudlayer.testing import ComputeConformance
from tests.providers.simulated.conformance import WorldFaults
from tests.providers.simulated.mutants import capabilities, creation, failures, lifecycle, offers  # noqa: F401
from tests.providers.simulated.mutants.base import MUTANTS, connect

PROMISES = sorted(name for name in dir(ComputeConformance) if name.startswith("test_"))


class MutantConformance(ComputeConformance):
    __test__ = False
    page = 1
    mutant = None

    @pytest.fixture
    def world(self):
        return World()

    @pytest.fixture
    def provider(self, world):
        return connect(self.mutant, world)

    @pytest.fixture
    def faults(self, world):
        return WorldFaults(world)


def suite_of(promise, mutant):
    """The suite with this promise alone, against this mutant."""
    others = {name: None for name in PROMISES if name != promise}
    return type(f"Test{mutant.__name__}", (MutantConformance,), {**others, "mutant": mutant, "__test__": True})


globals().update({f"Test{mutant.__name__}": suite_of(promise, mutant) for promise, mutant in MUTANTS})
