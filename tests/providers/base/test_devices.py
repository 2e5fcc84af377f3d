"""A GPU has one name wherever it is sold, so that one filter finds it on every cloud."""

import pytest

from cloudlayer.providers.base.devices import sold_as
from cloudlayer.units import GIB, MIB


@pytest.mark.parametrize(
    ("model", "memory", "name"),
    [
        ("A100", 40 * GIB, "A100"),
        ("A100", 81251 * MIB, "A100-80GB"),
        ("V100", 16 * GIB, "V100"),
        ("V100", 32 * GIB, "V100-32GB"),
        ("H100", 80 * GIB, "H100"),
        ("L4", 24 * GIB, "L4"),
    ],
)
def test_one_model_with_two_memories_has_two_names(model, memory, name):
    assert sold_as(model, memory) == name
