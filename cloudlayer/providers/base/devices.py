"""What GPUs are called on every cloud: by their model, and where one is sold with two memories, the larger by that too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cloudlayer.units import GIB

_TWOFOLD: Final[Mapping[str, tuple[int, int]]] = {"A100": (40, 80), "V100": (16, 32)}
"""GB of the usual one and of the larger one."""
_MAKERS: Final = re.compile(r"^(NVIDIA|Tesla|GeForce|Quadro|\s)+", re.ASCII)


def sold_as(model: str, memory: int) -> str:
    """The name of a model with so many bytes: "A100-80GB" for an A100 that has more than the usual 40."""
    usual, larger = _TWOFOLD.get(model, (0, 0))
    return f"{model}-{larger}GB" if larger and memory > (usual + larger) // 2 * GIB else model


def model_name(text: str) -> str:
    """The name by which clouds sell the GPU that its driver calls `text`: "NVIDIA H100 80GB HBM3" is an H100."""
    words = re.split(r"[\s-]+", _MAKERS.sub("", text.strip()))
    if words[0] == "RTX" and len(words) > 1:
        return f"RTX{words[1]}" if words[1][0].isdigit() else words[1]
    return words[0]
