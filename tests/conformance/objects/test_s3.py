"""S3 keeps what every store promises: on an emulator of Amazon's, and on Swift's S3 API."""

from dataclasses import replace

import pytest

from cloudlayer.testing.objects import ObjectConformance
from tests.conformance.objects.damaging import flipped
from tests.conformance.objects.places import AtAnEndpoint


class TestMoto(AtAnEndpoint, ObjectConformance):
    name = "s3"
    proof = "emulator"
    patience = 8.0  # its signed URLs never end: that promise waits so long to fail
    secret_settings = ("secret_key",)

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, moto_s3):
        return moto_s3.fresh()

    @pytest.fixture
    def damage(self, moto_s3, made):
        def damage(key):
            client = moto_s3.client()
            kept = client.get_object(Bucket=made.authority, Key=key)
            data, metadata = flipped(kept["Body"].read()), kept["Metadata"]
            client.put_object(Bucket=made.authority, Key=key, Body=data, Metadata=metadata)

        return damage


@pytest.mark.objects
class TestSwift(AtAnEndpoint, ObjectConformance):
    name = "s3:swift"
    proof = "real service"
    secret_settings = ("secret_key",)
    wrong = (("secret_key", "no-such-secret"),)
    many = 1100  # the service takes some 50 ms for each

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, swift):
        place = swift.fresh_s3()
        # Two overlapping puts with If-None-Match may both get through; the sum of an upload in parts is not kept.
        lacks = ["tags", "create_if_absent", "compare_and_swap", "checked_get", "resume"]
        return replace(place, settings={**place.settings, "lacks": lacks})
