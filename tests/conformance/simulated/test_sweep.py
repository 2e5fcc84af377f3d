"""What is ours and belongs to nothing is swept, and nothing else."""

from tests.conformance.simulated.world import OnAWorld
from tests.conformance.sweeping import SweepConformance


class TestSweep(OnAWorld, SweepConformance):
    pass
