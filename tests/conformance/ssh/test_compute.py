"""Machines that exist already keep what every Compute promises."""

import pytest

from cloudlayer.testing import ComputeConformance
from tests.conformance.ssh.boxes import OnBoxes

pytestmark = pytest.mark.hosts


class TestBoxes(OnBoxes, ComputeConformance):
    pass
