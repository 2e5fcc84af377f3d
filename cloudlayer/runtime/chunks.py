"""What comes in chunks, read as a file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

BUFFER: Final = 1024**2
"""Bytes that are read at once."""


def readable(chunks: Iterable[bytes]) -> io.BufferedReader:
    """A file of all that the chunks have, to be read once."""
    return io.BufferedReader(_Chunks(chunks), BUFFER)


class _Chunks(io.RawIOBase):
    """Chunks as a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: Iterator[bytes] = iter(chunks)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
