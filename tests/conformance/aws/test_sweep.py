"""What is ours and belongs to nothing is swept, and nothing else."""

from tests.conformance.aws.cloud import OnAws
from tests.conformance.sweeping import SweepConformance


class TestSweep(OnAws, SweepConformance):
    pass
