"""Files of this machine keep what every store promises."""

from pathlib import Path

import pytest

from cloudlayer.testing.objects import ObjectConformance
from tests.conformance.objects.damaging import flipped


class TestFile(ObjectConformance):
    name = "file"
    proof = "real service"

    @pytest.fixture
    def root(self, tmp_path):
        return f"file://{tmp_path}/"

    @pytest.fixture
    def damage(self):
        def damage(key):
            path = Path("/") / key
            path.write_bytes(flipped(path.read_bytes()))

        return damage
