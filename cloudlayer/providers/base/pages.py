"""Lists are whole: pages flattened, whatever their size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from cloudlayer.errors import UnknownCloudError

Item = TypeVar("Item")
REPEATED: Final = "RepeatedPage"
"""The code of a list that would never end."""


def flatten(fetch: Callable[[str | None], tuple[Iterable[Item], str | None]], *, provider: str = "") -> Iterator[Item]:
    """Every item of every page. `fetch(token)` gives a page and the token of the next, None (or empty) after the last.

    Raises UnknownCloudError if a token comes back that was used before, since such a list would never end.
    """
    token: str | None = None
    used: set[str] = set()
    while True:
        items, token = fetch(token)
        yield from items
        if not token:
            return
        if token in used:
            raise UnknownCloudError("a list's next page is one that was read before", provider=provider, code=REPEATED)
        used.add(token)
