"""Machines that exist already keep what every provider promises as a whole."""

import pytest

from cloudlayer.testing import ProviderConformance
from tests.conformance.ssh.boxes import OnBoxes

pytestmark = pytest.mark.hosts


class TestBoxes(OnBoxes, ProviderConformance):
    pass
