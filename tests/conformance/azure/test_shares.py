"""Azure keeps what Storage promises of shares."""

from cloudlayer.testing import ShareConformance
from tests.conformance.azure.cloud import OnAzure


class TestAzure(OnAzure, ShareConformance):
    pass
