"""The example that names no cloud runs here."""

from tests.conformance.simulated.world import OnAWorld
from tests.conformance.touring import TourConformance


class TestTour(OnAWorld, TourConformance):
    pass
