"""Tags of groups and balancers: the caller's labels, and our own marks among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import AuthError, Conflict, Throttled, TransientError
from cloudlayer.providers.aws.tags import NAME, TAGS

MAKING: Final = "cloudlayer-making"
"""On a group or balancer from its creation until everything that belongs to it is made."""

LIMITS: Final = replace(TAGS, most=45)
"""What AWS accepts as tags of a group or balancer, less our own."""

MAY_COME: Final = (AuthError, Throttled, TransientError)
"""Errors after which the same create may go through, or has: what was made for it is kept."""

_OURS: Final = (NAME, MAKING)


def marked(labels: Mapping[str, str], name: str, token: str) -> dict[str, str]:
    """The tags of a thing and of all that is made for it."""
    return {**labels, names.TOKEN: token, NAME: name}


def is_ours(tags: Mapping[str, str], labels: Mapping[str, str] | None = None) -> bool:
    """Whether what has these tags was made by cloudlayer, with all of `labels`."""
    return names.TOKEN in tags and (labels or {}).items() <= tags.items()


def all_tags(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tags by name, our own marks included."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def read_labels(tags: Mapping[str, str]) -> dict[str, str]:
    """The labels among tags."""
    return {name: value for name, value in tags.items() if name not in _OURS and not name.startswith("aws:")}


def same_spec(tags: Mapping[str, str], digest: str, id: str) -> None:
    """Raise Conflict if the thing with these tags was made for another spec."""
    if tags.get(names.SPEC) != digest:
        message = f"this token was used for another spec, that of {id}: a changed spec is a new attempt"
        raise Conflict(message, provider="aws", code="TokenReused")
