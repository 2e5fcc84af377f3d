"""The kinds of disks, with their bounds, and what is checked against them before any call.

Compute Engine tells which kinds a zone has and how large they may be. Of their speeds it tells nothing by a call: these are
of its documentation of Persistent Disk and Hyperdisk, as of November 2026, and so is the size of a kind that is not listed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import VolumeSpec, VolumeType
from cloudlayer.units import GIB, MIB, format_size, parse_size

DEFAULT: Final = "pd-balanced"
_LOCAL: Final = "local-ssd"
"""A kind that is part of its machine, and no volume."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of disk, with the least that it can be asked for where it can be asked for speed."""

    type: VolumeType
    fewest_iops: int = 0
    least_throughput: int = 0


def _kind(
    name: str,
    description: str,
    smallest: int,
    largest: int = 65_536,
    *,
    iops: tuple[int, int] | None = None,
    throughput: tuple[int, int] | None = None,
) -> Kind:
    """Sizes in GiB, throughput in MiB a second; each speed as the least and the most that can be asked for."""
    fastest = throughput[1] * MIB if throughput else None
    most = iops[1] if iops else None
    kind = VolumeType(name, description, smallest * GIB, largest * GIB, most, fastest, default=name == DEFAULT)
    return Kind(kind, iops[0] if iops else 0, throughput[0] * MIB if throughput else 0)


KINDS: Final[Mapping[str, Kind]] = {
    kind.type.name: kind
    for kind in (
        _kind(DEFAULT, "SSD for general use", 10),
        _kind("pd-ssd", "SSD, faster", 10),
        _kind("pd-standard", "HDD", 10),
        _kind(
            "hyperdisk-balanced",
            "SSD with the speed that is asked for",
            4,
            iops=(3_000, 160_000),
            throughput=(140, 2_400),
        ),
        _kind("hyperdisk-extreme", "SSD with the most IOPS", 64, iops=(1, 350_000)),
        _kind("hyperdisk-throughput", "for streams", 2_048, 32_768, throughput=(10, 600)),
        _kind("hyperdisk-ml", "read by many machines", 4, throughput=(400, 1_200_000)),
        _kind("pd-extreme", "SSD with IOPS, of the older kind", 500, iops=(10_000, 120_000)),
    )
}
"""By name, the default first."""


def gibibytes(size: int) -> int:
    """The size in GiB, rounded up: what Compute Engine calls GB."""
    return math.ceil(size / GIB)


def rounded(kind: str, size: int) -> int:
    """The least size in GiB that a disk of the kind can have to hold `size` bytes; InvalidSpec where none is so large."""
    known = KINDS.get(kind)
    if known is None:
        return gibibytes(size)
    smallest, largest = known.type.smallest or 0, known.type.largest or size
    if size > largest:
        raise InvalidSpec(f"size: {format_size(size)} is more than the {format_size(largest)} that a {kind} disk can have")
    return max(gibibytes(size), gibibytes(smallest))


def check_speeds(kind: str, spec: VolumeSpec) -> None:
    """Raise InvalidSpec, a line a fault, for speeds that no disk of the kind has; an unknown kind is the cloud's affair."""
    known = KINDS.get(kind)
    if known is None:
        return
    faults = [*_fault(known, "iops", spec.iops), *_fault(known, "throughput", spec.throughput)]
    if faults:
        raise InvalidSpec("\n".join(faults))


def read_types(found: Iterable[Any]) -> list[VolumeType]:
    """The kinds of disks in the zones of a region, each once, those with known speeds first."""
    listed = {each.name: each for each in found if each.zone and each.name != _LOCAL}
    known = [_sized(KINDS[name].type, listed[name]) for name in KINDS if name in listed]
    return known + [_sized(VolumeType(name, listed[name].description), listed[name]) for name in sorted(listed.keys() - KINDS)]


def _sized(kind: VolumeType, found: Any) -> VolumeType:
    """The kind with the bounds that the cloud tells, as in "10GB-65536GB"; both are powers of 1024 there."""
    least, dash, most = found.valid_disk_size.partition("-")
    if not dash:
        return kind
    return replace(kind, smallest=_bytes(least), largest=_bytes(most))


def _bytes(text: str) -> int:
    return parse_size(text.strip().replace("GB", "GiB").replace("TB", "TiB"))


def _fault(kind: Kind, field: str, asked: int | None) -> list[str]:
    """What is wrong with a speed that is asked for, if anything is."""
    name, most = kind.type.name, getattr(kind.type, field)
    least = kind.fewest_iops if field == "iops" else kind.least_throughput
    if asked is None or (most is not None and least <= asked <= most):
        return []
    if most is None:
        others = ", ".join(other for other, one in KINDS.items() if getattr(one.type, field) is not None)
        return [f"{field}: a {name} disk's cannot be chosen; leave it out, or use one of {others}"]
    bounds = f"{least} to {most}" if field == "iops" else f"{format_size(least)} to {format_size(most)} a second"
    shown = str(asked) if field == "iops" else format_size(asked)
    return [f"{field}: a {name} disk has {bounds}, not {shown}"]
