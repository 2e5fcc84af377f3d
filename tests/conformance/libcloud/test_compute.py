"""What Libcloud's drivers keep of that which every Compute promises."""

from cloudlayer.testing import ComputeConformance
from tests.conformance.libcloud.clouds import OnDummy, OnEc2


class TestDummy(OnDummy, ComputeConformance):
    pass


class TestEc2(OnEc2, ComputeConformance):
    pass
