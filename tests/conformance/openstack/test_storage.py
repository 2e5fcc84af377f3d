"""OpenStack keeps what every Storage promises."""

import pytest

from cloudlayer.testing import StorageConformance
from tests.conformance.openstack.services import OnOpenstack


@pytest.mark.openstack
class TestOpenstack(OnOpenstack, StorageConformance):
    pass
