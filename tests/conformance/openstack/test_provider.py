"""OpenStack keeps what every provider promises as a whole."""

import pytest

from cloudlayer.testing import ProviderConformance
from tests.conformance.openstack.services import OnOpenstack


@pytest.mark.openstack
class TestOpenstack(OnOpenstack, ProviderConformance):
    pass
