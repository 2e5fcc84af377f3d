"""The simulated cloud keeps the promises of every Storage."""

from cloudlayer.testing import StorageConformance
from tests.conformance.simulated.world import OnAWorld, WithoutNativeTokens


class TestInMemory(OnAWorld, StorageConformance):
    pass


class TestWithoutNativeTokens(WithoutNativeTokens, OnAWorld, StorageConformance):
    pass
