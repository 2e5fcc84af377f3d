"""What is ours and belongs to nothing is swept, and nothing else."""

import pytest

from tests.conformance.ssh.boxes import OnBoxes
from tests.conformance.sweeping import SweepConformance

pytestmark = pytest.mark.hosts


class TestSweep(OnBoxes, SweepConformance):
    pass
