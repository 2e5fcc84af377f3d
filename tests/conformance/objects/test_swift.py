"""OpenStack's Swift keeps what every store promises."""

from contextlib import closing
from dataclasses import replace

import pytest

from cloudlayer.testing.objects import ObjectConformance
from tests.conformance.objects.damaging import flipped
from tests.conformance.objects.places import OnAPlace

URL_KEY = "the-key-of-urls-in-tests"


@pytest.mark.objects
class TestSwift(OnAPlace, ObjectConformance):
    name = "swift"
    proof = "real service"
    secret_settings = ("key", "temp_url_key")
    wrong = (("key", "no-such-key"),)

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, swift):
        """With a key for URLs, which an account has to be given."""
        with closing(swift.client()) as client:
            client.post_account({"x-account-meta-temp-url-key": URL_KEY})
        place = swift.fresh()
        return replace(place, settings={**place.settings, "temp_url_key": URL_KEY, "part_size": "5MiB"})

    @pytest.fixture
    def elsewhere(self, made):
        def elsewhere(host, port):
            at = {"auth_url": f"http://{host}:{port}/auth/v1.0", "timeout": "500ms", "connect_timeout": "500ms"}
            return {made.scheme: {**made.settings, **at}}, made.uri

        return elsewhere

    @pytest.fixture
    def absent_root(self, made):
        return f"{made.scheme}://cloudlayer-never-made/"

    @pytest.fixture
    def damage(self, swift, made):
        def damage(key):
            with closing(swift.client()) as client:
                kept, data = client.get_object(made.authority, key)
                metadata = {name: value for name, value in kept.items() if name.startswith("x-object-meta-")}
                client.put_object(made.authority, key, flipped(data), headers=metadata)

        return damage
