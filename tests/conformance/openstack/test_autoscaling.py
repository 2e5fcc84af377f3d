"""OpenStack keeps what every Autoscaling promises."""

import pytest

from cloudlayer.testing import AutoscalingConformance
from tests.conformance.openstack.services import OnOpenstack


@pytest.mark.openstack
class TestOpenstack(OnOpenstack, AutoscalingConformance):
    patience = 240.0
    brief = 15.0
    fruitless = 200.0
