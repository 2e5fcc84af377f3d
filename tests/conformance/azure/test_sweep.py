"""What is ours and belongs to nothing is swept, and nothing else."""

from tests.conformance.azure.cloud import OnAzure
from tests.conformance.sweeping import SweepConformance


class TestSweep(OnAzure, SweepConformance):
    pass
