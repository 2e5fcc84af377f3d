"""The example that names no cloud runs here."""

from tests.conformance.aws.cloud import OnAws
from tests.conformance.touring import TourConformance


class TestTour(OnAws, TourConformance):
    pass
