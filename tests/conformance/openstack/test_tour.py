"""The example that names no cloud runs here."""

import pytest

from tests.conformance.openstack.services import OnOpenstack
from tests.conformance.touring import TourConformance


@pytest.mark.openstack
class TestTour(OnOpenstack, TourConformance):
    patience = 240.0
