"""What Neutron holds for us: each piece carries its labels from the call that makes it, in its description, and in tags what
does not fit there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from cloudlayer import labels as names

PREFIX: Final = "cloudlayer-"
"""How the names of our pieces begin."""

_LONGEST: Final = 255
_FIRST: Final = (names.OWNER, names.FLEET, names.TOKEN)


def described(labels: Mapping[str, str]) -> str:
    """A description with the labels that fit, those that say whose the piece is before all others."""
    kept: dict[str, str] = {}
    for name in sorted(labels, key=lambda name: (name not in _FIRST, name)):
        if len(_written({**kept, name: labels[name]})) <= _LONGEST:
            kept[name] = labels[name]
    return _written(kept)


def tags(labels: Mapping[str, str]) -> list[str]:
    """The labels that have no room in the description, as Neutron's tags."""
    rest = labels.items() - _read(described(labels)).items()
    return sorted(f"{name}={value}" for name, value in rest)


def labels_of(piece: Mapping[str, Any]) -> dict[str, str]:
    """The labels of one of our pieces; none if it is not ours."""
    found = _read(str(piece.get("description") or ""))
    if found:
        found.update(tag.partition("=")[::2] for tag in piece.get("tags") or () if "=" in tag)
    return found


def _written(labels: Mapping[str, str]) -> str:
    return json.dumps(labels, separators=(",", ":"), ensure_ascii=False)


def _read(description: str) -> dict[str, str]:
    try:
        found = json.loads(description)
    except ValueError:
        return {}
    is_ours = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    return found if is_ours else {}
