"""What Libcloud's drivers keep of that which every Storage promises."""

from cloudlayer.testing import StorageConformance
from tests.conformance.libcloud.clouds import OnDummy, OnEc2


class TestDummy(OnDummy, StorageConformance):
    pass


class TestEc2(OnEc2, StorageConformance):
    pass
