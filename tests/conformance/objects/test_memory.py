"""Objects in this process keep what every store promises."""

import dataclasses

import pytest

from cloudlayer.testing.objects import ObjectConformance
from tests.conformance.objects.damaging import flipped


class TestMemory(ObjectConformance):
    name = "memory"
    proof = "real service"

    @pytest.fixture
    def root(self):
        return "memory://conformance/"

    @pytest.fixture
    def stores(self):
        return {"memory": {"part_size": "5MiB"}}

    @pytest.fixture
    def damage(self, store):
        """What a store keeps is nobody else's to change: bytes are exchanged in its own dictionary."""

        def damage(key):
            kept = store._bucket.objects[key]
            store._bucket.objects[key] = dataclasses.replace(kept, data=flipped(kept.data))

        return damage
