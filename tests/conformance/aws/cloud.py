"""The fake AWS to hold the suite against."""

from datetime import UTC, datetime

import pytest

from cloudlayer import InstanceSpec
from tests.fakes.aws.faults import AwsFaults
from tests.fakes.aws.moto_gaps import SMALLEST_PAGE


class OnAws:
    """What every suite against AWS has in common."""

    proof = "emulator"

    @pytest.fixture
    def provider(self, cloud):
        return cloud

    @pytest.fixture
    def faults(self, aws):
        return AwsFaults(aws)

    @pytest.fixture
    def base_spec(self):
        return InstanceSpec(machine_type="m7i.large", image="ubuntu-22.04")

    @pytest.fixture(autouse=True)
    def as_ec2_is_at_its_worst(self, aws):
        """Pages as small as the API allows, instances that are pending for a while, and a reservation to buy."""
        aws.options.page = SMALLEST_PAGE
        aws.options.pending = 0.02
        aws.options.reservations = [
            {
                "CapacityReservationId": "cr-0123456789abcdef0",
                "InstanceType": "m7i.large",
                "InstancePlatform": "Linux/UNIX",
                "AvailabilityZone": "us-east-1b",
                "AvailableInstanceCount": 3,
                "TotalInstanceCount": 4,
                "State": "active",
                "CreateDate": datetime(2026, 1, 1, tzinfo=UTC),
            }
        ]
