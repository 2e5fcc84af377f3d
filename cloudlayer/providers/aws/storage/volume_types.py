"""The kinds of EBS volumes, with their bounds, and what is checked against them before any call.

EC2 tells these bounds by no call. They are those of the EC2 API reference for CreateVolume, as it came with botocore 1.44.5
in November 2026; the sizes of a gp3 or io2 volume may be smaller in a region that got the larger ones late.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import VolumeSpec, VolumeType
from cloudlayer.units import GIB, MIB, format_size


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of volume, with the least that it can be asked for where it can be asked for speed."""

    type: VolumeType
    fewest_iops: int = 0
    least_throughput: int = 0
    needs_iops: bool = False


def _kind(name: str, description: str, smallest: int, largest: int, iops: int | None = None) -> VolumeType:
    return VolumeType(name, description, smallest * GIB, largest * GIB, iops)


DEFAULT: Final = "gp3"

_GP3: Final = VolumeType(
    DEFAULT, "SSD for general use", 1 * GIB, 65_536 * GIB, iops=80_000, throughput=2_000 * MIB, default=True
)

KINDS: Final[Mapping[str, Kind]] = {
    kind.type.name: kind
    for kind in (
        Kind(_GP3, fewest_iops=3_000, least_throughput=125 * MIB),
        Kind(_kind("gp2", "SSD for general use, faster the larger it is", 1, 16_384)),
        Kind(_kind("io2", "SSD with the IOPS that are paid for", 4, 65_536, 256_000), fewest_iops=100, needs_iops=True),
        Kind(_kind("io1", "SSD with IOPS, of the older kind", 4, 16_384, 64_000), fewest_iops=100, needs_iops=True),
        Kind(_kind("st1", "HDD for streams", 125, 16_384)),
        Kind(_kind("sc1", "HDD for what is seldom read", 125, 16_384)),
        Kind(_kind("standard", "HDD of the first generation", 1, 1_024)),
    )
}
"""By name, the default first."""


def checked_kind(spec: VolumeSpec) -> Kind:
    """The kind of volume that a spec asks for; InvalidSpec, a line a fault, for what that kind cannot be."""
    name = spec.type or DEFAULT
    if name not in KINDS:
        raise InvalidSpec(f'type: "{name}" is none of EBS\'s: use one of {", ".join(KINDS)}')
    kind = KINDS[name]
    faults = [*_size_faults(kind, spec.size), *_iops_faults(kind, spec.iops), *_throughput_faults(kind, spec.throughput)]
    if faults:
        raise InvalidSpec("\n".join(faults))
    return kind


def gibibytes(size: int) -> int:
    """The size in GiB, rounded up, since EBS makes no others."""
    return math.ceil(size / GIB)


def check_size(name: str, size: int) -> None:
    """Raise InvalidSpec for a size that no volume of this type can have; a type that we do not know is left to EC2."""
    if name in KINDS and (faults := _size_faults(KINDS[name], size)):
        raise InvalidSpec("\n".join(faults))


def _size_faults(kind: Kind, size: int) -> list[str]:
    smallest, largest = kind.type.smallest or 0, kind.type.largest or size
    if smallest <= gibibytes(size) * GIB <= largest:
        return []
    bounds = f"{format_size(smallest)} to {format_size(largest)}"
    return [f"size: {format_size(size)} is no size of a {kind.type.name} volume: {bounds} is"]


def _iops_faults(kind: Kind, iops: int | None) -> list[str]:
    name, most = kind.type.name, kind.type.iops
    if most is None:
        return [f"iops: a {name} volume's cannot be chosen; leave it out, or use gp3 or io2"] if iops is not None else []
    if iops is None:
        return [f"iops: a {name} volume needs a number, {kind.fewest_iops} to {most}"] if kind.needs_iops else []
    return [] if kind.fewest_iops <= iops <= most else [f"iops: a {name} volume has {kind.fewest_iops} to {most}, not {iops}"]


def _throughput_faults(kind: Kind, throughput: int | None) -> list[str]:
    most, least = kind.type.throughput, kind.least_throughput
    if throughput is None:
        return []
    if most is None:
        return [f"throughput: a {kind.type.name} volume's cannot be chosen; leave it out, or use gp3"]
    if least <= throughput <= most:
        return []
    return [f"throughput: a {kind.type.name} volume has {format_size(least)} to {format_size(most)} a second"]
