"""OpenStack keeps what every Compute promises."""

import pytest

from cloudlayer.testing import ComputeConformance
from tests.conformance.openstack.services import OnOpenstack


@pytest.mark.openstack
class TestOpenstack(OnOpenstack, ComputeConformance):
    pass
