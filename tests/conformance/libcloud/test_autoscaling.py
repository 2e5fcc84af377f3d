"""What Libcloud's drivers keep of that which every Autoscaling promises."""

from cloudlayer.testing import AutoscalingConformance
from tests.conformance.libcloud.clouds import OnDummy, OnEc2


class TestDummy(OnDummy, AutoscalingConformance):
    pass


class TestEc2(OnEc2, AutoscalingConformance):
    pass
