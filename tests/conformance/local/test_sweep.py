"""What is ours and belongs to nothing is swept, and nothing else."""

from tests.conformance.local.host import OnALargeHost
from tests.conformance.sweeping import SweepConformance


class TestSweep(OnALargeHost, SweepConformance):
    pass
