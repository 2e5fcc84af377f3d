"""Labels are tags: what AWS accepts, how they are written, filtered by, and read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from cloudlayer.providers.base.attempts import LabelLimits

NAME: Final = "Name"
"""The tag that the console shows as a thing's name."""
LAUNCH: Final = "cloudlayer-launch"
"""The tag that says of which batch, and of which launch in it, an instance is: FINGERPRINT-NUMBER."""

TAGS: Final = LabelLimits(
    re.compile(rf"(?!aws:|{NAME}$|{LAUNCH}$)[\w .:/=+@-]{{1,128}}"),
    re.compile(r"[\w .:/=+@-]{0,256}"),
    most=47,
    rule=f'EC2 wants names of 1 to 128 letters, digits, spaces, .:/=+@-_ but "{NAME}", "{LAUNCH}", "aws:…"; values to 256',
)
"""What EC2 accepts as tags, less our own three of its fifty."""


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as EC2 writes them, in one order, since a token holds for one order alone."""
    return [{"Key": name, "Value": tags[name]} for name in sorted(tags)]


def tag_filters(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """EC2's filters for what carries all of the labels."""
    return [{"Name": f"tag:{name}", "Values": [_literal(value)]} for name, value in labels.items()]


def read_tags(found: Mapping[str, Any]) -> tuple[str | None, dict[str, str]]:
    """The name and the labels of what EC2 described."""
    listed: Iterable[Mapping[str, str]] = found.get("Tags", ())
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    return tags.get(NAME), {name: value for name, value in tags.items() if name != NAME and not name.startswith("aws:")}


def _literal(value: str) -> str:
    """The value with no character that a filter takes for a wildcard."""
    return re.sub(r"([\\*?])", r"\\\1", value)
