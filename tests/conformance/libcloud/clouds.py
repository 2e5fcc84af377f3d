"""The clouds to hold the suite against."""

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.providers.libcloud.options import read
from cloudlayer.providers.libcloud.provider import LibcloudProvider
from cloudlayer.testing import SteppedClock
from tests.fakes.aws.faults import AwsFaults
from tests.fakes.aws.moto_gaps import SMALLEST_PAGE


class OnDummy:
    """What every suite against Libcloud's dummy driver has in common: its objects are the whole cloud, and nothing breaks."""

    proof = "simulated"

    @pytest.fixture
    def provider(self):
        return LibcloudProvider(None, read({"driver": "dummy"}), clock=SteppedClock())

    @pytest.fixture
    def base_spec(self):
        return InstanceSpec(machine_type="Medium", image="Ubuntu 9.10")


class Ec2Faults(AwsFaults):
    """AWS's, but that Libcloud's driver makes nothing on the side that could be left behind."""

    def leave_pieces(self, labels):
        self._absent("leave_pieces")


class OnEc2:
    """What every suite against Libcloud's EC2 driver has in common."""

    proof = "emulator"
    page = SMALLEST_PAGE

    @pytest.fixture
    def provider(self, ec2):
        return ec2

    @pytest.fixture
    def faults(self, aws):
        return Ec2Faults(aws)

    @pytest.fixture
    def base_spec(self):
        return InstanceSpec(machine_type="m7i.large", image="ami-0a02")

    @pytest.fixture(autouse=True)
    def as_ec2_is_at_its_worst(self, aws):
        """Pages as small as the API allows, and instances that are pending for a while."""
        aws.options.page = SMALLEST_PAGE
        aws.options.pending = 0.02
