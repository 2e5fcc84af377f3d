"""The simulated cloud keeps the promises of every Compute, in memory and in a file, with and without tokens of its own."""

import pytest

from cloudlayer.providers.simulated import World
from cloudlayer.testing import ComputeConformance
from tests.conformance.simulated.world import LAG, OnAWorld, SettledWorld, WithoutNativeTokens


class TestInMemory(OnAWorld, ComputeConformance):
    pass


class TestInAFile(OnAWorld, ComputeConformance):
    @pytest.fixture
    def world(self, tmp_path):
        return World(tmp_path / "world.json")


class TestWithTheSmallestPages(OnAWorld, ComputeConformance):
    @pytest.fixture
    def world(self):
        return World(page_size=1)


class TestInAnotherRegion(OnAWorld, ComputeConformance):
    @pytest.fixture
    def world(self):
        world = World()
        kind = world.connect("sim-west").compute.offers()[0].machine_type
        world.sell(kind, zone="sim-west-a", price=0.5, purchase="reserved", reservation="west", available=4)
        return world

    @pytest.fixture
    def provider(self, world):
        return world.connect("sim-west")


class TestWithoutNativeTokens(WithoutNativeTokens, OnAWorld, ComputeConformance):
    pass


class TestWhenWhatIsSeenLagsBehind(OnAWorld, ComputeConformance):
    """The tests look only after the lag; create itself sees the past, and must not be fooled by it."""

    patience = 600.0

    @pytest.fixture
    def world(self):
        return World(lag_seconds=LAG)

    @pytest.fixture
    def provider(self, world):
        return SettledWorld(world)
