"""AWS keeps what every Storage promises."""

from cloudlayer.testing import StorageConformance
from tests.conformance.aws.cloud import OnAws


class TestAws(OnAws, StorageConformance):
    pass
