"""OpenStack keeps what every LoadBalancing promises."""

import pytest

from cloudlayer.testing import LoadBalancingConformance
from tests.conformance.openstack.services import OnOpenstack


@pytest.mark.openstack
class TestOpenstack(OnOpenstack, LoadBalancingConformance):
    pass
