"""The simulated cloud keeps the promises of every LoadBalancing."""

from cloudlayer.testing import LoadBalancingConformance
from tests.conformance.simulated.world import Certified, OnAWorld, WithoutNativeTokens


class TestInMemory(Certified, OnAWorld, LoadBalancingConformance):
    pass


class TestWithoutNativeTokens(WithoutNativeTokens, Certified, OnAWorld, LoadBalancingConformance):
    pass
