"""Dropbox keeps what every store promises, on a fake that follows its published API: there is no server to test against."""

import pytest

from cloudlayer.testing.objects import ObjectConformance
from cloudlayer.testing.skips import skip
from tests.conformance.objects.damaging import flipped
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

    @pytest.fixture
    def absent_root(self):
        skip("fixture", "absent_root", "an account has no buckets")

    @pytest.fixture
    def damage(self, dropbox, made, store):
        def damage(key):
            kept = dropbox.accounts[made.settings["access_token"]].content
            rev = store.head(key).etag
            kept[rev] = flipped(kept[rev])

        return damage
