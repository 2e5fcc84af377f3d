"""The example that names no cloud runs here."""

from tests.conformance.azure.cloud import OnAzure
from tests.conformance.touring import TourConformance


class TestTour(OnAzure, TourConformance):
    pass
