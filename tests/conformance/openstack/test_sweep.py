"""What is ours and belongs to nothing is swept, and nothing else."""

import pytest

from tests.conformance.openstack.services import OnOpenstack
from tests.conformance.sweeping import SweepConformance


@pytest.mark.openstack
class TestSweep(OnOpenstack, SweepConformance):
    patience = 240.0
