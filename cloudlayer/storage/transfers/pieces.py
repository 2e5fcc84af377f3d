"""A stream cut anew: pieces of any size come in, pieces of the size wanted go out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import chain
from typing import Final

from cloudlayer.storage.store import Data
from cloudlayer.units import MIB

_FEW: Final = MIB
"""Bytes up to which pieces are kept one by one: to make room for a whole part costs more than to join these."""


class Pieces:
    """What an iterator gives, to be taken in other pieces."""

    def __init__(self, chunks: Iterable[Data]) -> None:
        self._chunks: Iterator[Data] = iter(chunks)
        self._rest = memoryview(b"")

    def ended(self) -> bool:
        """Whether nothing is left; asks the iterator for more if that is not known."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return True
            self._rest = memoryview(chunk).cast("B")
        return False

    def take(self, size: int) -> Data:
        """The next `size` bytes, fewer at the end alone."""
        if self.ended() or len(self._rest) >= size:
            return self._cut(size)
        pieces, wanted = list[memoryview](), size
        while wanted and size - wanted < _FEW and not self.ended():
            pieces.append(self._cut(wanted))
            wanted -= len(pieces[-1])
        return b"".join(pieces) if not wanted or self.ended() else self._gathered(pieces, size)

    def _gathered(self, pieces: list[memoryview], size: int) -> bytes:
        """These and what comes after them, written where the whole then stays: a join has all of it twice for a while."""
        whole = BytesIO(bytes(size))
        for piece in pieces:
            whole.write(piece)
        pieces.clear()
        while whole.tell() < size and not self.ended():
            whole.write(self._cut(size - whole.tell()))
        whole.truncate()
        return whole.getvalue()  # uncopied, since nothing else has it

    def put_back(self, data: Data) -> None:
        """Have `data` taken again before all else."""
        self._chunks = chain([self._rest], self._chunks)
        self._rest = memoryview(data).cast("B")

    def _cut(self, size: int) -> memoryview:
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece
