"""This host keeps what every provider promises as a whole."""

from cloudlayer.testing import ProviderConformance
from tests.conformance.local.host import OnThisHost


class TestThisHost(OnThisHost, ProviderConformance):
    pass
