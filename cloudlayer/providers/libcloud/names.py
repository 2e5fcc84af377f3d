"""Names that carry the attempt, for what has nowhere else to keep it, and for clouds where a name can be used once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cloudlayer.errors import Conflict

LONGEST: Final = 63
_PLAIN: Final = "cl"
_FORM: Final = re.compile(r"(?P<front>.+)-(?P<token>[0-9a-f]{16})-(?P<digest>[0-9a-f]{8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Carried:
    """What a name says: by which attempt its thing was made, and for which spec."""

    name: str | None
    token: str
    digest: str


def short(token: str) -> str:
    """As much of a token as fits into a name."""
    return UUID(token).hex[:16]


def carrying(name: str | None, token: str, digest: str, longest: int = LONGEST) -> str:
    """A name of at most `longest` characters that says of its thing what `read` tells of it."""
    tail = f"{short(token)}-{digest[:8]}"
    return f"{(name or _PLAIN)[: longest - len(tail) - 1].rstrip('-')}-{tail}"


def read(native: str | None) -> Carried | None:
    """What a thing's name carries; None if it is none of ours."""
    match = _FORM.fullmatch(native or "")
    if match is None:
        return None
    front = match["front"]
    return Carried(None if front == _PLAIN else front, match["token"], match["digest"])


def shown(native: str | None) -> str | None:
    """The name that was asked for."""
    carried = read(native)
    return native if carried is None else carried.name


def is_of(native: str | None, token: str, digest: str, *, provider: str) -> bool:
    """Whether a thing's name carries the attempt; Conflict if it was made for another spec."""
    carried = read(native)
    if carried is None or carried.token != short(token):
        return False
    if carried.digest != digest[:8]:
        message = f"this token was used for another spec, that of {native}: a changed spec is a new attempt"
        raise Conflict(message, provider=provider, code="TokenReused")
    return True
