"""Azure keeps what every Storage promises."""

from cloudlayer.testing import StorageConformance
from tests.conformance.azure.cloud import OnAzure


class TestAzure(OnAzure, StorageConformance):
    pass
