"""Globs: patterns of names, in which a slash parts segments."""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]")
_ANY: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_WILD: Final = re.compile(r"[*?\[]")


def expression(glob: str) -> str:
    """The regular expression of a glob: `*` any text without a slash, `?` one character but a slash, `**` any text.

    `**` and a slash after it may stand for nothing at all. `[abc]`, `[a-z]` and `[!a-z]` are one character, never a slash.
    """
    parts, at = [], 0
    for token in _TOKEN.finditer(glob):
        parts += [re.escape(glob[at : token.start()]), _ANY.get(token[0]) or _one_of(token[0])]
        at = token.end()
    return "".join(parts) + re.escape(glob[at:])


def literal_prefix(glob: str) -> str:
    """What every name starts with that a glob matches: the glob up to its first pattern."""
    wild = _WILD.search(glob)
    return glob[: wild.start()] if wild else glob


def _one_of(token: str) -> str:
    inside = token[1:-1]
    negated = inside.startswith("!")
    characters = re.sub(r"([\\\[\]^&|~])", r"\\\1", inside[negated:])
    return f"(?!/)[{'^' if negated else ''}{characters}]"
