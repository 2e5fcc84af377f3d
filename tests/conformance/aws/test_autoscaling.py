"""AWS keeps what every Autoscaling promises."""

from cloudlayer.testing import AutoscalingConformance
from tests.conformance.aws.cloud import OnAws


class TestAws(OnAws, AutoscalingConformance):
    pass
