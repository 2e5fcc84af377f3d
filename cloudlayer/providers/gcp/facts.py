"""What a description says besides the marks: facts that a thing itself has no field for, as JSON under a mark of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.providers.gcp.marks import read_description, write_description

FACTS: Final = "cloudlayer-facts"
"""The mark that holds them."""


def describe(marks: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    """A description of marks and facts; InvalidSpec if they do not fit into one."""
    return write_description({**marks, FACTS: json.dumps(facts, separators=(",", ":"))})


def marks_of(description: str) -> tuple[dict[str, str], dict[str, Any]]:
    """The marks in a description, and the facts among them apart."""
    marks = read_description(description)
    facts: dict[str, Any] = json.loads(marks.pop(FACTS, "{}"))
    return marks, facts
