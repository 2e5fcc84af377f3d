"""Layers packed for the way to a machine: gzip, on all cores, with what does not shrink left as it is.

A gzip file may have many members, each read after the other (RFC 1952, 2.2), so chunks are packed apart from each other. The
same bytes give the same members, whichever thread was quicker.
"""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Final

CHUNK: Final = 4 * 1024**2
"""Bytes that one member packs."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_LEVEL: Final = 1
_SAMPLE: Final = 64 * 1024
_WORTH_IT: Final = 0.95
_MAGIC: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


def packed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A gzip file's members, one a chunk, in order; some chunks are packed ahead. No chunk gives one empty member."""
    pool, ahead = _pool(), 2 * _threads()
    waiting: deque[Future[bytes]] = deque()
    for chunk in chunks:
        waiting.append(pool.submit(_member, chunk))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    if not waiting:
        waiting.append(pool.submit(_member, b""))
    while waiting:
        yield waiting.popleft().result()


def is_packed(beginning: bytes) -> bool:
    """Whether a layer that begins so is gzip or zstd already."""
    return beginning.startswith(_MAGIC)


def _member(chunk: bytes) -> bytes:
    packer = zlib.compressobj(_level(chunk), zlib.DEFLATED, _GZIP)
    return packer.compress(chunk) + packer.flush()


def _level(chunk: bytes) -> int:
    """0 for what would not shrink, as weights and archives do not: packing them costs the most and wins nothing."""
    middle = max(0, (len(chunk) - _SAMPLE) // 2)
    sample = chunk[middle : middle + _SAMPLE]
    return _LEVEL if len(zlib.compress(sample, 1)) < _WORTH_IT * len(sample) else 0


def _threads() -> int:
    return min(4, os.cpu_count() or 1)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_threads(), thread_name_prefix="packing")
