"""A fleet buys its machines here."""

from tests.conformance.aws.cloud import OnAws
from tests.conformance.buying import FleetConformance


class TestFleet(OnAws, FleetConformance):
    pass
