"""A fleet buys its machines here."""

from tests.conformance.azure.cloud import OnAzure
from tests.conformance.buying import FleetConformance


class TestFleet(OnAzure, FleetConformance):
    pass
