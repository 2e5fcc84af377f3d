"""The example that names no cloud runs here."""

from tests.conformance.local.host import OnALargeHost
from tests.conformance.touring import TourConformance


class TestTour(OnALargeHost, TourConformance):
    pass
