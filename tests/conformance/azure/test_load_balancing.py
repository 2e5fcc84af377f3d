"""Azure keeps what every LoadBalancing promises."""

import pytest

from cloudlayer.testing import LoadBalancingConformance
from tests.conformance.azure.cloud import OnAzure


class TestAzure(OnAzure, LoadBalancingConformance):
    @pytest.fixture
    def addresses(self):
        """Addresses of the network that is made for what names none."""
        return "10.117.0.251", "10.117.0.252"
