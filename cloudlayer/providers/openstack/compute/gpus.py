"""The GPUs of a flavor: its extra specs name resource classes and PCI devices, whose names or the operator tell the models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import Accelerator
from cloudlayer.units import GIB, parse_size

MODELS: Final[Mapping[str, int]] = {
    "A100-80GB": 80,
    "RTX-A6000": 48,
    "B200": 180,
    "H200": 141,
    "H100": 80,
    "A100": 40,
    "L40S": 48,
    "L40": 48,
    "L4": 24,
    "A40": 48,
    "A30": 24,
    "A16": 16,
    "A10": 24,
    "T4": 16,
    "V100": 16,
    "P100": 16,
    "P40": 24,
    "MI300X": 192,
    "MI250": 128,
    "MI210": 64,
}
"""Memory in GiB of a device, by model: the least that is sold under the name, and the longest name first."""

_PCI: Final = "pci_passthrough:alias"
_RESOURCE: Final = re.compile(r"resources\d*:(VGPU|PGPU|CUSTOM_\w+)")
_WORDS: Final = re.compile(r"[A-Z]+\d*[A-Z]*|\d+[A-Z]*")


class Gpus:
    """Reads GPUs out of extra specs. `known` are the operator's own words, each WORD=MODEL:MEMORY."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = dict(_told(text) for text in known)

    def of(self, extra_specs: Mapping[str, str]) -> tuple[Accelerator, ...]:
        """The devices; one whose model or memory is not known is left out, since nothing could be placed on it."""
        devices: list[Accelerator] = []
        for word, count in _asked(extra_specs):
            device = self._known.get(word.upper()) or _named(word)
            devices += [device] * count if device else []
        return tuple(devices)


def _asked(extra_specs: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Words for devices, with how many of each are asked for."""
    for key, value in sorted(extra_specs.items()):
        match = _RESOURCE.fullmatch(key)
        if match and value.isdigit():
            yield match.group(1), int(value)
        if key == _PCI:
            for part in value.split(","):
                word, _, count = part.strip().partition(":")
                yield word, int(count) if count.isdigit() else 1


def _named(word: str) -> Accelerator | None:
    """The model that a word such as CUSTOM_GPU_A100 or "nvidia-a100-80gb" names."""
    parts = "-".join(_WORDS.findall(word.upper()))
    for model, memory in MODELS.items():
        if re.search(rf"(^|-){model}($|-)", parts):
            return Accelerator(model, memory * GIB)
    return None


def _told(text: str) -> tuple[str, Accelerator]:
    word, _, device = text.partition("=")
    model, _, memory = device.rpartition(":")
    try:
        return word.strip().upper(), Accelerator(_present(model), parse_size(memory))
    except ValueError as error:
        raise InvalidSpec(f'openstack.gpus: "{text}": {error}; write WORD=MODEL:MEMORY, as in "VGPU=A16:4GiB"') from None


def _present(model: str) -> str:
    if not model.strip():
        raise ValueError("the model is missing")
    return model.strip()
