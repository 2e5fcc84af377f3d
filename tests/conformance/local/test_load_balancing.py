"""This host keeps what every LoadBalancing promises."""

from cloudlayer.testing import LoadBalancingConformance
from tests.conformance.local.host import OnThisHost


class TestThisHost(OnThisHost, LoadBalancingConformance):
    pass
