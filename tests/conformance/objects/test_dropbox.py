"""Dropbox keeps what every store promises, on a fake that follows its published API: there is no server to test against."""

import pytest

from cloudlayer.testing.objects import ObjectConformance
from tests.conformance.objects.places import AtAnEndpoint


class TestFake(AtAnEndpoint, ObjectConformance):
    name = "dropbox"
    proof = "fake"
    secret_settings = ("access_token",)
    wrong = (("access_token", "no-such-token"),)

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, dropbox):
        return dropbox.fresh()
