"""One create per token at a time: where a service has no tokens, two that look before they make might both find nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cloudlayer.interfaces import Deadline

_LOOK: Final = 0.25


class Turns:
    """Who makes something under a token waits for the others of this process that do. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken: set[str] = set()

    @contextmanager
    def take(self, token: str, deadline: Deadline) -> Iterator[None]:
        """The token's turn, for as long as the block runs; TransientError if the deadline comes first."""
        with self._changed:
            while token in self._taken:
                deadline.check(f"waiting for another create under token {token}")
                self._changed.wait(_LOOK)
            self._taken.add(token)
        try:
            yield
        finally:
            with self._changed:
                self._taken.discard(token)
                self._changed.notify_all()
