"""Labels are tags, and names follow from the token: what Azure accepts, how they are written, and read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import AuthError, Conflict, Throttled, TransientError
from cloudlayer.providers.base.attempts import LabelLimits

NAME: Final = "cloudlayer-name"
"""The tag that says what the user calls a thing: its name on Azure follows from the token."""
PART_OF: Final = "cloudlayer-part-of"
"""The tag of a piece, such as a network interface: the name on Azure of the thing that it was made for."""
MADE: Final = "cloudlayer-made"
"""The tag of a piece that says when it was made, in seconds since 1970: Azure tells no age of most."""
MAKING: Final = "cloudlayer-making"
"""On a group or balancer from its creation until everything that belongs to it is made."""
PLACE: Final = "cloudlayer-place"
"""The tag that says for which place of a batch an instance is."""

REGIONAL: Final = "regional"
"""The zone of what Azure puts anywhere in a location, as it does where a location, or a size in it, has no zones."""

ASKED: Final = "cloudlayer-asked"
"""How much was asked for: of a share's account the GiB of its share, of a scale set "MIN/MAX/DESIRED" members."""
MODEL: Final = "cloudlayer-model"
"""On a scale set and on its members: a digest of what members are made from, by which old ones are told from new ones."""
RESTS: Final = "cloudlayer-rests"
"""On a scale set: until when its last step's cooldown lasts, in seconds since 1970."""
LEFT: Final = "cloudlayer-left"
"""On a balancer: when targets were last taken out of it, in seconds since 1970."""

_OURS: Final = (NAME, PART_OF, MADE, MAKING, PLACE, ASKED, MODEL, RESTS, LEFT)
_RESERVED: Final = r"(?!(?i:microsoft|azure|windows))"

TAGS: Final = LabelLimits(
    re.compile(rf"{_RESERVED}(?!(?i:{'|'.join(_OURS)})$)[^<>%&\\?/\x00-\x1f]{{1,128}}"),
    re.compile(r"[^\x00-\x1f]{0,256}"),
    most=50 - len(_OURS) - 2,
    rule="Azure wants names of 1 to 128 characters without <>%&\\?/ that do not begin with microsoft, azure or windows, "
    f"but none of {', '.join(_OURS)}; values to 256",
    caseless=True,
)
"""What Azure accepts as tags, less our own of its fifty."""

MAY_COME: Final = (AuthError, Throttled, TransientError)
"""Errors after which the same create may go through, or has: what was made for it is kept."""

YOUNG: Final = 900.0
"""For so many seconds a piece without its thing may still be taken into use by the create that made it."""


def tags_of(found: Mapping[str, Any]) -> dict[str, str]:
    """The tags of what Azure described, our own marks included."""
    return dict(found.get("tags") or {})


def read_labels(tags: Mapping[str, str]) -> dict[str, str]:
    """The labels among tags."""
    return {name: value for name, value in tags.items() if name not in _OURS}


def is_ours(tags: Mapping[str, str], labels: Mapping[str, str] | None = None) -> bool:
    """Whether what has these tags was made by cloudlayer, with all of `labels`."""
    return names.TOKEN in tags and (labels or {}).items() <= tags.items()


def is_young(tags: Mapping[str, str], now: float) -> bool:
    """Whether a piece was made so short a time ago that a create may be about to use it."""
    made = tags.get(MADE, "")
    return made.isdigit() and now - float(made) < YOUNG


def same_spec(tags: Mapping[str, str], digest: str, id: str) -> None:
    """Raise Conflict if the thing with these tags was made for another spec."""
    if tags.get(names.SPEC) != digest:
        message = f"this token was used for another spec, that of {id}: a changed spec is a new attempt"
        raise Conflict(message, provider="azure", code="TokenReused")


def zones_of(zone: str) -> list[str]:
    """A zone as Azure writes it: a list, empty for what is in none."""
    return [] if zone == REGIONAL else [zone]


def zone_of(found: Mapping[str, Any]) -> str:
    """The zone of what Azure described."""
    return next(iter(found.get("zones") or ()), REGIONAL)


def last_name(id: str) -> str:
    """The name at the end of an id; ids are compared without case."""
    return id.rstrip("/").rpartition("/")[2]


def part(id: str, kind: str) -> str | None:
    """The name that follows `kind` in an id, such as "virtualMachines"; None if there is none."""
    pieces = id.split("/")
    lowered = [piece.lower() for piece in pieces]
    place = lowered.index(kind.lower()) + 1 if kind.lower() in lowered else len(pieces)
    return pieces[place] if place < len(pieces) else None


def same_id(one: str | None, other: str | None) -> bool:
    """Whether two ids name one thing: Azure itself writes them in different cases."""
    return (one or "").lower() == (other or "").lower()
