"""Google Cloud keeps what every Storage promises."""

import pytest

from cloudlayer import VolumeSpec
from cloudlayer.testing import StorageConformance
from cloudlayer.units import GIB
from tests.conformance.gcp.cloud import OnGcp


class TestGcp(OnGcp, StorageConformance):
    @pytest.fixture
    def volume_spec(self):
        """The least that a disk of the default type has."""
        return VolumeSpec(name="conformance", size=10 * GIB)

    @pytest.fixture
    def absent_id(self):
        return "us-central1-a/no-such-disk"

    @pytest.fixture
    def absent_snapshot(self):
        return "no-such-snapshot"
