"""Labels as the tags "name=value" that Octavia, Heat and Neutron keep, and beside them what only this driver reads again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from cloudlayer.providers.base.attempts import LabelLimits

_OWN: Final = "cloudlayer:"
"""How a tag of the driver's own begins: no label's name may."""

LIMITS: Final = LabelLimits(
    re.compile(rf"(?!{_OWN})[\w\-:. ]{{1,120}}", re.ASCII),
    re.compile(r"[^,]{0,120}"),
    most=60,
    rule=f'OpenStack\'s tags want names of 1 to 120 of a-z A-Z 0-9 _ - : . and spaces, but "{_OWN}…", and values of at most '
    "120 characters but commas",
)
"""What every service that a balancer or a group is made of accepts as a label."""


def tagged(labels: Mapping[str, str], **own: object) -> list[str]:
    """The tags of a thing: its labels, and what the driver wants to know again, by name; None is left out."""
    words = [f"{_OWN}{name}={value}" for name, value in own.items() if value is not None]
    return sorted([*(f"{name}={value}" for name, value in labels.items()), *words])


def labels_of(tags: Iterable[str]) -> dict[str, str]:
    """The labels among the tags of a thing."""
    pairs = (tag.partition("=") for tag in tags if not tag.startswith(_OWN))
    return {name: value for name, equals, value in pairs if equals}


def word(tags: Iterable[str], name: str) -> str | None:
    """What the driver wrote down under `name`."""
    start = f"{_OWN}{name}="
    return next((tag.removeprefix(start) for tag in tags if tag.startswith(start)), None)


def without(tags: Iterable[str], name: str) -> list[str]:
    """The tags less what the driver wrote down under `name`."""
    return [tag for tag in tags if not tag.startswith(f"{_OWN}{name}=")]
