"""AWS keeps what every provider promises as a whole."""

from cloudlayer.testing import ProviderConformance
from tests.conformance.aws.cloud import OnAws


class TestAws(OnAws, ProviderConformance):
    pass
