"""Many small jobs at once: threads that take the next one from an iterator, which they read one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Generic, TypeVar

Job = TypeVar("Job")

WORKERS: Final = 32
_TAKEN: Final = 4
"""Jobs that a thread takes at once: the lock is asked for less often, and the last ones are still spread."""


def each(jobs: Iterable[Job], do: Callable[[Job], None], *, workers: int = WORKERS) -> None:
    """Have threads `do` every job, in no certain order. An error of the iterator or of `do` ends all, and is raised.

    Jobs that are under way are ended before this returns, or raises.
    """
    threads = _Threads(iter(jobs), do)
    crew = [threading.Thread(target=threads.work, name=f"bulk-{number}", daemon=True) for number in range(workers)]
    try:
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
    except BaseException as error:
        threads.stop(error)
        raise
    finally:
        for thread in crew:
            if thread.ident is not None:
                thread.join()
    if threads.errors:
        raise threads.errors[0]


class _Threads(Generic[Job]):
    def __init__(self, jobs: Iterator[Job], do: Callable[[Job], None]) -> None:
        self._jobs, self._do = jobs, do
        self._lock = threading.Lock()
        self.errors: list[BaseException] = []

    def stop(self, error: BaseException) -> None:
        self.errors.append(error)

    def work(self) -> None:
        try:
            while jobs := self._take():
                for job in jobs:
                    if self.errors:
                        return
                    self._do(job)
        except BaseException as error:
            self.stop(error)

    def _take(self) -> list[Job]:
        taken: list[Job] = []
        with self._lock:
            while len(taken) < _TAKEN and not self.errors and (job := next(self._jobs, None)) is not None:
                taken.append(job)
        return taken
