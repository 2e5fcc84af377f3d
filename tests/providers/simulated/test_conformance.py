"""The simulated cloud keeps the promises of every provider, in memory and in a file, with and without tokens of its own."""

import pytest

from cloudlayer.providers.simulated import World
from cloudlayer.testing import ComputeConformance
from tests.providers.simulated.conformance import LAG, SettledWorld, WorldFaults


class WorldConformance(ComputeConformance):
    page = 1

    @pytest.fixture
    def world(self):
        return World()

    @pytest.fixture
    def provider(self, world):
        return world.connect()

    @pytest.fixture
    def faults(self, world):
        return WorldFaults(world)


class TestInMemory(WorldConformance):
    pass


class TestInAFile(WorldConformance):
    @pytest.fixture
    def world(self, tmp_path):
        return World(tmp_path / "world.json")


class TestWithTheSmallestPages(WorldConformance):
    @pytest.fixture
    def world(self):
        return World(page_size=1)


class TestInAnotherRegion(WorldConformance):
    @pytest.fixture
    def provider(self, world):
        return world.connect("sim-west")


class TestWithoutNativeTokens(WorldConformance):
    @pytest.fixture
    def world(self):
        return World(native_tokens=False, page_size=1)


class TestWhenWhatIsSeenLagsBehind(WorldConformance):
    """The tests look only after the lag; create itself sees the past, and must not be fooled by it."""

    patience = 600.0

    @pytest.fixture
    def world(self):
        return World(lag_seconds=LAG)

    @pytest.fixture
    def provider(self, world):
        return SettledWorld(world)
