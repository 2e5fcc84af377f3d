"""What Libcloud's drivers keep of that which every LoadBalancing promises."""

from cloudlayer.testing import LoadBalancingConformance
from tests.conformance.libcloud.clouds import OnDummy, OnEc2


class TestDummy(OnDummy, LoadBalancingConformance):
    pass


class TestEc2(OnEc2, LoadBalancingConformance):
    pass
