"""The simulated cloud keeps the promises of all shares."""

from cloudlayer.testing import ShareConformance
from tests.conformance.simulated.world import OnAWorld, WithoutNativeTokens


class TestInMemory(OnAWorld, ShareConformance):
    pass


class TestWithoutNativeTokens(WithoutNativeTokens, OnAWorld, ShareConformance):
    pass
