"""Google Cloud keeps what every provider promises as a whole."""

from cloudlayer.testing import ProviderConformance
from tests.conformance.gcp.cloud import OnGcp


class TestGcp(OnGcp, ProviderConformance):
    pass
