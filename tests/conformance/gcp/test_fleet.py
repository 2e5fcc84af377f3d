"""A fleet buys its machines here."""

from tests.conformance.buying import FleetConformance
from tests.conformance.gcp.cloud import OnGcp


class TestFleet(OnGcp, FleetConformance):
    pass
