"""Readers that know whether what arrived is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cloudlayer.storage.checksums import crc32c, verify
from cloudlayer.storage.objects import ObjectInfo


class CheckedReader:
    """Gives pieces on, counts them, and ends in IntegrityError if they are not all that there should be.

    `expected` is how many bytes are to come. The sum is compared for a `whole` object alone, where `info` tells it. `close` is
    called once: at the end, at an error, or when the reader is closed before.
    """

    __slots__ = ("_close", "_expected", "_pieces", "_sum", "_uri", "info")

    def __init__(
        self,
        uri: str,
        info: ObjectInfo,
        pieces: Iterable[bytes],
        *,
        expected: int,
        whole: bool,
        close: Callable[[], object] = lambda: None,
    ) -> None:
        self.info = info
        self._uri = uri
        self._pieces = pieces
        self._expected = expected
        self._sum = info.crc32c if whole else None
        self._close: Callable[[], object] | None = close

    def __iter__(self) -> Iterator[bytes]:
        size, total = 0, 0
        try:
            for piece in self._pieces:
                size += len(piece)
                if self._sum is not None:
                    total = crc32c(piece, total)
                if piece:
                    yield piece
            verify(self._uri, size=size, expected_size=self._expected, crc32c=total, expected=self._sum)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of what is behind the reader."""
        close, self._close = self._close, None
        if close is not None:
            close()
