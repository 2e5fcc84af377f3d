"""The real services to hold the suite against."""

import pytest

from cloudlayer import InstanceSpec
from tests.fakes.openstack.faults import OpenstackFaults


class OnOpenstack:
    """What every suite against OpenStack has in common."""

    proof = "real service"
    patience = 90.0
    page = 1

    @pytest.fixture
    def provider(self, cloud):
        return cloud

    @pytest.fixture
    def faults(self, real, moved_clock):
        return OpenstackFaults(real, moved_clock)

    @pytest.fixture
    def base_spec(self):
        return InstanceSpec(machine_type="m1.tiny", image="tiny")

    @pytest.fixture
    def absent_instance(self):
        return "00000000-0000-4000-8000-000000000000"
