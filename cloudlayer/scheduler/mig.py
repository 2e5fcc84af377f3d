"""Where MIG instances can lie on a GPU: its memory slices, and the slices that each profile may start at.

As NVIDIA's MIG user guide lists them, and `nvidia-smi mig -lgipp` on the devices. An instance takes a run of memory slices,
and no two overlap; the places are such that the compute slices suffice then too. Profiles with media extensions are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from cloudlayer.units import GIB

_PROFILE: Final = re.compile(r"[1-7]g\.(?P<memory>[1-9]\d{0,2})gb", re.ASCII)
_TOLERANCE: Final = 0.06
"""The part by which a device's memory may miss the nominal one: drivers keep some, and clouds round."""


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """A kind of device: its memory in GiB, its number of memory slices, and the places of each profile, as bits of slices."""

    model: str
    memory: int
    slices: int
    places: Mapping[str, tuple[int, ...]]


def _run(start: int, length: int) -> int:
    return ((1 << length) - 1) << start


def _sevenths(model: str, memory: int, names: Sequence[str]) -> Geometry:
    """A device of eight memory slices and seven compute slices; profiles from the smallest to the largest."""
    starts = ((range(7), 1), ((0, 2, 4, 6), 2), ((0, 2, 4), 2), ((0, 4), 4), ((0,), 4), ((0,), 8))
    places = {name: tuple(_run(start, length) for start in each) for name, (each, length) in zip(names, starts, strict=True)}
    return Geometry(model, memory, 8, places)


_QUARTERS: Final = {
    "1g.6gb": tuple(_run(start, 1) for start in range(4)),
    "2g.12gb": (_run(0, 2), _run(2, 2)),
    "4g.24gb": (_run(0, 4),),
}
_EIGHTY: Final = ("1g.10gb", "1g.20gb", "2g.20gb", "3g.40gb", "4g.40gb", "7g.80gb")
GEOMETRIES: Final = (
    Geometry("A30", 24, 4, _QUARTERS),
    _sevenths("A100", 40, ("1g.5gb", "1g.10gb", "2g.10gb", "3g.20gb", "4g.20gb", "7g.40gb")),
    _sevenths("A100", 80, _EIGHTY),
    _sevenths("H100", 80, _EIGHTY),
    _sevenths("H200", 141, ("1g.18gb", "1g.35gb", "2g.35gb", "3g.71gb", "4g.71gb", "7g.141gb")),
)
"""The devices whose geometry is known."""
PROFILES: Final = tuple(sorted({name for geometry in GEOMETRIES for name in geometry.places}))
"""The profiles that some device has."""


@cache
def geometry(model: str, memory: int) -> Geometry | None:
    """The geometry of a device by its model's name and its memory in bytes; None where it has none, or none is known."""
    words = re.split(r"[\s_-]+", model.upper())
    for known in GEOMETRIES:
        if known.model in words and abs(memory - known.memory * GIB) <= _TOLERANCE * known.memory * GIB:
            return known
    return None


def profiles_of(model: str, memory: int) -> tuple[str, ...]:
    """The profiles that such a device has, the smallest first; none where its geometry is not known."""
    known = geometry(model, memory)
    return tuple(known.places) if known else ()


def places(model: str, memory: int, profile: str) -> tuple[int, ...]:
    """The slices, as bits, that an instance of `profile` can take on such a device; none where it does not know the profile."""
    known = geometry(model, memory)
    return known.places.get(profile, ()) if known else ()


@cache
def choose(known: Geometry, profile: str, taken: int) -> int | None:
    """The place that keeps the most room for later instances, as bits, beside the slices `taken`; None if none is open.

    Room is counted as the places that stay open, over all profiles, each by its number of slices. Ties go to the highest
    place: the lowest ones suit the largest profiles.
    """
    free = [place for place in known.places.get(profile, ()) if not place & taken]
    return max(free, key=lambda place: (_room(known, taken | place), place), default=None)


def start(place: int) -> int:
    """The first slice of a place."""
    return (place & -place).bit_length() - 1


def memory_of(profile: str) -> int:
    """The nominal bytes of an instance of `profile`; 0 for what is no profile's name."""
    found = _PROFILE.fullmatch(profile)
    return int(found["memory"]) * GIB if found else 0


def _room(known: Geometry, taken: int) -> int:
    return sum(place.bit_count() for each in known.places.values() for place in each if not place & taken)
