"""The fake Compute Engine to hold the suite against."""

import pytest
from google.cloud import compute_v1

from cloudlayer import InstanceSpec
from tests.conformance.gcp.faults import GcpFaults
from tests.conformance.gcp.holdings import sdk


class OnGcp:
    """What every suite against Google Cloud has in common."""

    proof = "schema-checked fake"

    @pytest.fixture
    def provider(self, cloud):
        return cloud

    @pytest.fixture
    def faults(self, gce):
        return GcpFaults(gce)

    @pytest.fixture
    def base_spec(self):
        return InstanceSpec(machine_type="e2-small", image="ubuntu-22.04")

    @pytest.fixture
    def absent_instance(self):
        return "us-central1-a/no-such-instance"

    @pytest.fixture(autouse=True)
    def as_gce_is_at_its_worst(self, gce):
        """Pages of one, operations that take a while, and a reservation to buy."""
        reserve(gce)
        gce.options.page = 1
        gce.options.delay = 2.0


def reserve(gce, name="kept", machine_type="e2-small", count=3, zone="us-central1-b", named=True):
    """Reserve instances, as somebody with a contract has, for those that name them or for any."""
    held = {"count": count, "instance_properties": {"machine_type": machine_type}}
    reservation = {"name": name, "specific_reservation": held, "specific_reservation_required": named}
    sdk(gce, compute_v1.ReservationsClient).insert_unary(
        project="proj", zone=zone, reservation_resource=compute_v1.Reservation(reservation)
    )
