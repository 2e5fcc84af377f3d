"""This host keeps what every Storage promises."""

from cloudlayer.testing import StorageConformance
from tests.conformance.local.host import OnThisHost


class TestThisHost(OnThisHost, StorageConformance):
    pass
