"""How much of all that is under way is in memory at once, in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from cloudlayer.units import MIB

Progress: TypeAlias = Callable[[int], object]
"""Is told how many bytes more have arrived; from any thread."""

SMALL: Final = 8 * MIB
"""Bytes up to which an object goes in one request."""
READ_COPIES: Final = 2
"""How often bytes that a store gives are in memory meanwhile: as they arrived, and as they are handed on."""
LIMIT: Final = 56 * MIB
"""Bytes that all parts and small objects under way have together; of each stream, the part that it is giving comes to it.

With what sockets and the allocator keep besides, the process grows by less than 64 MiB.
"""
OF_STREAM: Final = 40 * MIB
"""Bytes that the parts of one stream under way have together, so that it is less than LIMIT with the one that it is giving."""
AT_ONCE: Final = 8
"""Parts of one object under way at most."""


class Budget:
    """Bytes that are lent out, up to a limit; who wants more waits until enough came back.

    One that wants more than there is at all gets it when nobody else has any: a part may be larger than the limit where a
    store allows no more parts.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._returned = threading.Condition(threading.Lock())

    @contextmanager
    def lent(self, size: int) -> Iterator[None]:
        """Have `size` bytes for a while."""
        self.take(size)
        try:
            yield
        finally:
            self.give(size)

    def take(self, size: int) -> None:
        """Wait for `size` bytes."""
        with self._returned:
            while self._used and self._used + size > self._limit:
                self._returned.wait()
            self._used += size

    def give(self, size: int) -> None:
        """Give them back."""
        with self._returned:
            self._used -= size
            self._returned.notify_all()


BUFFERS: Final = Budget(LIMIT)
"""What all transfers of this process share."""
