"""Google Cloud keeps what every Compute promises."""

from cloudlayer.testing import ComputeConformance
from tests.conformance.gcp.cloud import OnGcp


class TestGcp(OnGcp, ComputeConformance):
    pass
