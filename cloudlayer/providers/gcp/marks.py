"""Our marks on things: labels where Compute Engine has them, and else the same labels in the thing's description.

Instances, disks, snapshots, addresses and forwarding rules have labels. Firewall rules, templates, groups, health checks,
backend services, URL maps, proxies, autoscalers and endpoint groups have none: their description is a JSON object of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cloudlayer import labels as names
from cloudlayer.errors import AuthError, Conflict, InvalidSpec, Throttled, TransientError
from cloudlayer.providers.base.attempts import PLAIN_LABELS

NAME: Final = "cloudlayer-name"
"""The label that keeps the name that was asked for: one of Compute Engine's own must be unique, and follows from a token."""
PLACE: Final = "cloudlayer-place"
"""The label of an instance that says which of its batch it is."""
LONGEST_NAME: Final = 63
"""The most characters of a name of Compute Engine's."""

LIMITS: Final = replace(PLAIN_LABELS, most=56)
"""What Compute Engine accepts as labels, less our own of its 64."""

MAY_COME: Final = (AuthError, Throttled, TransientError)
"""Errors after which the same create may go through, or has: what was made for it is kept."""

_OWN: Final = (NAME, PLACE)
_DESCRIPTION: Final = "cloudlayer"
_LONGEST_DESCRIPTION: Final = 2048


def marked(labels: Mapping[str, str], name: str | None, token: str, digest: str) -> dict[str, str]:
    """The labels of a thing and of all that is made for it: the caller's, the token, the spec's fingerprint and the name."""
    named = {NAME: name} if name else {}
    return {**labels, names.TOKEN: token, names.SPEC: digest, **named}


def is_ours(marks: Mapping[str, str], labels: Mapping[str, str] | None = None) -> bool:
    """Whether what has these marks was made by cloudlayer, with all of `labels`."""
    return names.TOKEN in marks and (labels or {}).items() <= marks.items()


def read_labels(marks: Mapping[str, str]) -> dict[str, str]:
    """The labels among marks, token and fingerprint included."""
    return {name: value for name, value in marks.items() if name not in _OWN}


def write_description(marks: Mapping[str, str]) -> str:
    """The marks as the description of what has no labels; InvalidSpec if they do not fit into one."""
    text = json.dumps({_DESCRIPTION: dict(marks)}, sort_keys=True, separators=(",", ":"))
    if len(text) > _LONGEST_DESCRIPTION:
        raise InvalidSpec(f"labels: they make {len(text)} characters of a description; Google takes {_LONGEST_DESCRIPTION}")
    return text


def read_description(description: str) -> dict[str, str]:
    """The marks in a description; empty where it is none of ours."""
    try:
        found = json.loads(description)[_DESCRIPTION]
    except (ValueError, TypeError, KeyError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def label_filter(labels: Mapping[str, str] | None) -> str:
    """The filter of a list for what carries all of the labels; empty for everything."""
    return " ".join(f'(labels.{name} = "{value}")' for name, value in (labels or {}).items())


def same_spec(marks: Mapping[str, str], digest: str, id: str) -> None:
    """Raise Conflict if the thing with these marks was made for another spec."""
    if marks.get(names.SPEC) != digest:
        message = f"this token was used for another spec, that of {id}: a changed spec is a new attempt"
        raise Conflict(message, provider="gcp", code="TokenReused")
