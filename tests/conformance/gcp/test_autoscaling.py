"""Google Cloud keeps what every Autoscaling promises."""

from cloudlayer.testing import AutoscalingConformance
from tests.conformance.gcp.cloud import OnGcp


class TestGcp(OnGcp, AutoscalingConformance):
    pass
