"""The kinds of managed disks, with their bounds, and what is checked against them before any call.

Azure tells these bounds by no call that is of use here. They are those of "Select a disk type for Azure IaaS VMs" in Azure's
documentation; an Ultra disk is of one of a few sizes, and may do so many IOPS for each GiB.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import VolumeSpec, VolumeType
from cloudlayer.units import GIB, MIB, format_size

DEFAULT: Final = "StandardSSD_LRS"
ULTRA: Final = "UltraSSD_LRS"

_LARGEST: Final = 32_767 * GIB
_FEWEST_IOPS: Final = 100
_IOPS_OF_A_GIB: Final = 300
_SIZES: Final = (4, 8, 16, 32, 64, 128, 256, 512)
_STEP: Final = 1024
"""GiB: an Ultra disk is of one of the sizes, or of whole TiB."""

TYPES: Final[Mapping[str, VolumeType]] = {
    found.name: found
    for found in (
        VolumeType(DEFAULT, "SSD for general use", GIB, _LARGEST, default=True),
        VolumeType("Premium_LRS", "SSD, faster the larger it is; for sizes with an s in their names", GIB, _LARGEST),
        VolumeType("Standard_LRS", "HDD for what is seldom read", GIB, _LARGEST),
        VolumeType(
            ULTRA,
            "SSD with the IOPS that are paid for, in some zones; for machines that Ultra disks are enabled for",
            smallest=_SIZES[0] * GIB,
            largest=64 * _STEP * GIB,
            iops=160_000,
            throughput=4_000 * MIB,
        ),
    )
}
"""By name, the default first."""


def checked_type(spec: VolumeSpec) -> VolumeType:
    """The kind of disk that a spec asks for; InvalidSpec, a line a fault, for what that kind cannot be."""
    name = spec.type or DEFAULT
    if name not in TYPES:
        raise InvalidSpec(f'type: "{name}" is none of Azure\'s: use one of {", ".join(TYPES)}')
    kind = TYPES[name]
    faults = [*_size_faults(kind, spec.size), *_speed_faults(kind, spec)]
    if faults:
        raise InvalidSpec("\n".join(faults))
    return kind


def gibibytes(kind: str, size: int, iops: int | None = None) -> int:
    """The size in GiB, rounded up to one that the kind can have, and with which it can have these IOPS."""
    least = math.ceil(size / GIB)
    if kind != ULTRA:
        return least
    least = max(least, math.ceil((iops or 0) / _IOPS_OF_A_GIB))
    return next((fitting for fitting in _SIZES if fitting >= least), math.ceil(least / _STEP) * _STEP)


def check_size(name: str, size: int) -> None:
    """Raise InvalidSpec for a size that no disk of this kind can have; a kind that we do not know is left to Azure."""
    if name in TYPES and (faults := _size_faults(TYPES[name], size)):
        raise InvalidSpec("\n".join(faults))


def _size_faults(kind: VolumeType, size: int) -> list[str]:
    largest = kind.largest or size
    if gibibytes(kind.name, size) * GIB <= largest:
        return []
    return [f"size: {format_size(size)} is too large: a {kind.name} disk has at most {format_size(largest)}"]


def _speed_faults(kind: VolumeType, spec: VolumeSpec) -> list[str]:
    faults = []
    for word, value, most in (("iops", spec.iops, kind.iops), ("throughput", spec.throughput, kind.throughput)):
        if value is None:
            continue
        if most is None:
            faults.append(f"{word}: a {kind.name} disk's follow from its size; leave it out, or use {ULTRA}")
        elif value > most:
            faults.append(f"{word}: a {kind.name} disk has at most {most}, not {value}")
    if kind.iops and spec.iops is not None and spec.iops < _FEWEST_IOPS:
        faults.append(f"iops: a {kind.name} disk has at least {_FEWEST_IOPS}, not {spec.iops}")
    return faults
