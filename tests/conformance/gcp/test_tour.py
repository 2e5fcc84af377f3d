"""The example that names no cloud runs here."""

from tests.conformance.gcp.cloud import OnGcp
from tests.conformance.touring import TourConformance


class TestTour(OnGcp, TourConformance):
    pass
