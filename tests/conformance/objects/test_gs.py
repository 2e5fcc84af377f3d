"""Google's Cloud Storage keeps what every store promises, on an emulator."""

import pytest

from cloudlayer.testing.objects import ObjectConformance
from tests.conformance.objects.places import AtAnEndpoint


@pytest.mark.objects
class TestEmulator(AtAnEndpoint, ObjectConformance):
    name = "gs"
    proof = "emulator"
    many = 250  # the emulator tells any list as one page, and takes a second for ten requests

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, gcs):
        return gcs.fresh()
