"""Azure keeps what every Compute promises."""

from cloudlayer.testing import ComputeConformance
from tests.conformance.azure.cloud import OnAzure


class TestAzure(OnAzure, ComputeConformance):
    pass
