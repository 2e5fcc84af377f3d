"""The simulated cloud keeps the promises of every provider as a whole."""

from cloudlayer.testing import ProviderConformance
from tests.conformance.simulated.world import OnAWorld


class TestSimulated(OnAWorld, ProviderConformance):
    pass
