"""Azure's blobs keep what every store promises, on Azurite."""

import base64
from types import MappingProxyType

import pytest

from cloudlayer.testing.objects import ObjectConformance
from tests.conformance.objects.damaging import flipped
from tests.conformance.objects.places import AtAnEndpoint


@pytest.mark.objects
class TestAzurite(AtAnEndpoint, ObjectConformance):
    name = "az"
    proof = "emulator"
    signed_put = MappingProxyType({"x-ms-blob-type": "BlockBlob"})
    secret_settings = ("account_key",)
    wrong = (("account_key", base64.b64encode(b"no such key").decode()),)

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, azurite):
        return azurite.fresh()

    @pytest.fixture
    def elsewhere(self, made):
        def elsewhere(host, port):
            endpoint = f"http://{host}:{port}/{made.settings['account']}"
            at = {"endpoint": endpoint, "timeout": "500ms", "connect_timeout": "500ms"}
            return {made.scheme: {**made.settings, **at}}, made.uri

        return elsewhere

    @pytest.fixture
    def damage(self, azurite, made):
        def damage(key):
            blob = azurite.service().get_blob_client(made.authority, key)
            kept = blob.download_blob()
            blob.upload_blob(flipped(kept.readall()), overwrite=True, metadata=kept.properties.metadata)

        return damage
