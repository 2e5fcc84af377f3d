"""What GPUs are called on every cloud: by their model, and where one is sold with two memories, the larger by that too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloudlayer.units import GIB

_TWOFOLD: Final[Mapping[str, tuple[int, int]]] = {"A100": (40, 80), "V100": (16, 32)}
"""GB of the usual one and of the larger one."""


def sold_as(model: str, memory: int) -> str:
    """The name of a model with so many bytes: "A100-80GB" for an A100 that has more than the usual 40."""
    usual, larger = _TWOFOLD.get(model, (0, 0))
    return f"{model}-{larger}GB" if larger and memory > (usual + larger) // 2 * GIB else model
