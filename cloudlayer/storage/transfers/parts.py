"""Parts of one object, many at once: cut, moved by threads, and summed up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from cloudlayer.storage.checksums import combine
from cloudlayer.storage.transfers.buffers import AT_ONCE, BUFFERS


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes from `start` up to, not with, `end`, that are part `number`, counted from 1."""

    number: int
    start: int
    end: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.end - self.start


def cut(size: int, part_size: int) -> Iterator[Part]:
    """The parts of `size` bytes; all have `part_size`, but the last."""
    for number, start in enumerate(range(0, size, part_size), 1):
        yield Part(number, start, min(start + part_size, size))


class Sums:
    """The checksums of parts as they become known, in any order, and that of the whole."""

    def __init__(self) -> None:
        self._sums: dict[int, tuple[int, int]] = {}

    def add(self, part: Part, crc32c: int) -> None:
        """Take note of a part's sum; from any thread."""
        self._sums[part.number] = (crc32c, part.size)

    def whole(self) -> int:
        """The sum of all parts after each other."""
        total = 0
        for number in sorted(self._sums):
            crc32c, size = self._sums[number]
            total = combine(total, crc32c, size)
        return total


class Crew:
    """Threads that work on a few pieces at once, or on one after the other, whose buffers the shared budget pays for.

    After the first error nothing is begun any more; it is raised at the end, once all that was under way has ended.
    """

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="transfer")
        self._free = threading.Semaphore(workers)
        self._failed: list[BaseException] = []

    def claim(self, size: int) -> bool:
        """Wait until a piece of `size` bytes may be in memory. False if another one has failed: nothing is claimed then."""
        self._free.acquire()
        BUFFERS.take(size)
        if self._failed:
            self._unclaim(size)
        return not self._failed

    def _unclaim(self, size: int) -> None:
        BUFFERS.give(size)
        self._free.release()

    def hand_over(self, size: int, work: Callable[[], None]) -> None:
        """Have a thread do the work for what was claimed, and give it back after."""
        self._pool.submit(self._do, size, [work])

    def _do(self, size: int, works: list[Callable[[], None]]) -> None:
        try:
            if not self._failed:
                works.pop()()  # what the work holds is let go of before others may claim as much
        except BaseException as error:
            self._failed.append(error)
        finally:
            self._unclaim(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self._failed.append(error)
        self._pool.shutdown(wait=True)
        if error is None and self._failed:
            raise self._failed[0]


def move(parts: Iterable[Part], one: Callable[[Part], None], *, parallel: bool, copies: int) -> None:
    """Do `one` for each part, many at once and within the budget, or one after the other if not `parallel`.

    `copies`: how often the bytes of a part are in memory meanwhile.
    """
    with Crew(AT_ONCE if parallel else 1) as crew:
        for part in parts:
            if not crew.claim(part.size * copies):
                break
            crew.hand_over(part.size * copies, partial(one, part))
