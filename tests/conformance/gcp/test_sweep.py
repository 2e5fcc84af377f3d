"""What is ours and belongs to nothing is swept, and nothing else."""

from tests.conformance.gcp.cloud import OnGcp
from tests.conformance.sweeping import SweepConformance


class TestSweep(OnGcp, SweepConformance):
    pass
