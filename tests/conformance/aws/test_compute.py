"""AWS keeps what every Compute promises."""

from cloudlayer.testing import ComputeConformance
from tests.conformance.aws.cloud import OnAws


class TestAws(OnAws, ComputeConformance):
    pass
