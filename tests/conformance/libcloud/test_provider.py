"""What Libcloud's drivers keep of that which every provider promises."""

from cloudlayer.testing import ProviderConformance
from tests.conformance.libcloud.clouds import OnDummy, OnEc2


class TestDummy(OnDummy, ProviderConformance):
    pass


class TestEc2(OnEc2, ProviderConformance):
    pass
