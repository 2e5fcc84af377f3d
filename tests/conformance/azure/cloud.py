"""The fake Azure to hold the suite against."""

import pytest

from cloudlayer import InstanceSpec
from tests.conformance.azure.faults import AzureFaults

DELAY = 3.0


class OnAzure:
    """What every suite against Azure has in common."""

    proof = "schema-checked fake"
    page = 1

    @pytest.fixture
    def provider(self, cloud):
        return cloud

    @pytest.fixture
    def faults(self, arm, clock):
        return AzureFaults(arm, clock)

    @pytest.fixture
    def base_spec(self):
        return InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04")

    @pytest.fixture
    def absent_instance(self):
        return "never-made"

    @pytest.fixture(autouse=True)
    def as_azure_is_at_its_worst(self, arm):
        """Pages of one, and operations that take their time."""
        arm.options.page = 1
        arm.options.delay = DELAY
