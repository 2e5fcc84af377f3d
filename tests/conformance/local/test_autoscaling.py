"""This host keeps what every Autoscaling promises."""

from cloudlayer.testing import AutoscalingConformance
from tests.conformance.local.host import OnThisHost


class TestThisHost(OnThisHost, AutoscalingConformance):
    fruitless = 1.0
