"""What is ours and belongs to nothing is swept, and nothing else."""

from tests.conformance.libcloud.clouds import OnDummy, OnEc2
from tests.conformance.sweeping import SweepConformance


class TestSweepDummy(OnDummy, SweepConformance):
    pass


class TestSweepEc2(OnEc2, SweepConformance):
    pass
