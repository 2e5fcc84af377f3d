"""Creates that a service does not know again: what is there is looked for first, and once more after an answer was lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.retries import Retries

Made = TypeVar("Made")


def look_or_make(
    retries: Retries,
    look: Callable[[], Made | None],
    make: Callable[[], Made],
    *,
    doing: str,
    deadline: Deadline | None = None,
) -> Made:
    """What `look` finds, else what `make` gives. `make` is one try: a second one comes only after another look."""

    def attempt() -> Made:
        found = look()
        return make() if found is None else found

    return retries.run(attempt, doing=doing, deadline=deadline)
