"""The lower parts of images that are being published, for those who deliver them meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

_AT_ONCE: Final = 8
"""How many parts of an image one machine pulls at once; what they share comes once."""


class Follower:
    """One who is told of an image's parts. `fetch` is called in a thread for each of them, once."""

    def __init__(self, fetch: Callable[[str], None], threads: ThreadPoolExecutor) -> None:
        self._fetch = fetch
        self._threads = threads
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._ended = False

    def hear(self, digest: str) -> None:
        """A part is there."""
        with self._lock:
            if not self._ended and digest not in self._seen:
                self._seen.add(digest)
                self._threads.submit(self._fetch, digest)

    def end(self) -> None:
        """Fetch no more from now on."""
        with self._lock:
            self._ended = True


class Arrivals:
    """What comes of each image, for those in this process who follow it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followers: dict[str, list[Follower]] = {}

    def add(self, reference: str, digest: str) -> None:
        """Tell all who follow an image that a part of it is there."""
        with self._lock:
            followers = list(self._followers.get(reference, ()))
        for follower in followers:
            follower.hear(digest)

    @contextmanager
    def followed(self, reference: str, fetch: Callable[[str], None]) -> Iterator[Follower]:
        """Within, call `fetch` for each part that comes; at the end wait for all of it."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="pull") as threads:
            follower = Follower(fetch, threads)
            with self._lock:
                self._followers.setdefault(reference, []).append(follower)
            try:
                yield follower
            finally:
                follower.end()
                with self._lock:
                    self._followers[reference].remove(follower)
                    if not self._followers[reference]:
                        del self._followers[reference]
