"""Lines of a replica's log, with the marks that our worker put into it taken out: see `worker.output`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from cloudlayer.interfaces import LogLine
from cloudlayer.runtime.worker.output import BEGIN, CLOSE, END, LINE

_MARK: Final = re.compile(
    b"(" + b"|".join(re.escape(kind) for kind in (LINE, BEGIN, END)) + b")([A-Za-z0-9._:-]{0,128})" + re.escape(CLOSE)
)
LONGEST: Final = 1024**2
"""Bytes of a line that are shown; the rest of it is left out."""


def parsed(raw: Iterable[bytes]) -> Iterator[LogLine]:
    """The lines of a log, which comes in lines of its own."""
    announced = ""
    for line in raw:
        # Text, then for each mark: its kind, its id, and the text behind it.
        text, *marked = _MARK.split(line.rstrip(b"\r\n"))
        if text or not marked:
            yield from _lines(text, announced)
        for kind, call, behind in zip(marked[::3], marked[1::3], marked[2::3], strict=True):
            if kind == LINE:
                yield from _lines(behind, call.decode())
                continue
            announced = call.decode() if kind == BEGIN else ""
            if behind:
                yield from _lines(behind, announced)


def of_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of what comes in pieces of any size."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *whole, last_one = bytes(rest).split(b"\n")
            rest = bytearray(last_one)
            yield from whole
    if rest:
        yield bytes(rest)


def last(raw: Iterable[bytes], tail: int, call: str | None = None) -> list[LogLine]:
    """The last `tail` lines, of that call alone if one is named."""
    return list(deque((line for line in parsed(raw) if call is None or line.call == call), maxlen=max(tail, 0)))


def last_asked(ask: Callable[[int], Sequence[bytes]], tail: int) -> list[LogLine]:
    """The last `tail` lines of a log that tells its last lines: those that hold marks alone are none, so more are asked for."""
    asked = tail
    while True:
        raw = ask(asked)
        found = last(raw, tail)
        if len(found) >= tail or len(raw) < asked:
            return found
        asked *= 4


def _lines(text: bytes, call: str) -> Iterator[LogLine]:
    # A progress bar that returns to the line's beginning is a line each time.
    for part in text.splitlines() or [b""]:
        yield LogLine(part[:LONGEST].decode("utf-8", "replace"), call)
