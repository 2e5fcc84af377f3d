"""Azure keeps what every provider promises as a whole."""

from cloudlayer.testing import ProviderConformance
from tests.conformance.azure.cloud import OnAzure


class TestAzure(OnAzure, ProviderConformance):
    pass
