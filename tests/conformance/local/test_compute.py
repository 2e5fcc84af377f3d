"""This host keeps what every Compute promises."""

from cloudlayer.testing import ComputeConformance
from tests.conformance.local.host import OnALargeHost, OnThisHost


class TestALargeHost(OnALargeHost, ComputeConformance):
    pass


class TestThisHost(OnThisHost, ComputeConformance):
    pass
