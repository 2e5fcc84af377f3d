"""The simulated cloud keeps the promises of every Autoscaling."""

from cloudlayer.testing import AutoscalingConformance
from tests.conformance.simulated.world import OnAWorld, WithoutNativeTokens


class TestInMemory(OnAWorld, AutoscalingConformance):
    pass


class TestWithoutNativeTokens(WithoutNativeTokens, OnAWorld, AutoscalingConformance):
    pass
