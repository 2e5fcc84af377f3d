"""Ranges of bytes: what may be asked for, and which bytes of an object that are."""

from __future__ import annotations

from cloudlayer.errors import InvalidSpec


def check(uri: str, start: int | None, end: int | None) -> None:
    """InvalidSpec for a range that no object has, whatever its size."""
    if end is not None and (end <= 0 or (start is not None and start >= end)):
        raise InvalidSpec(
            f"{uri}: the range {_text(start, end)} has no byte: its end is counted from 0, and comes after its start"
        )


def resolve(uri: str, size: int, start: int | None, end: int | None) -> tuple[int, int]:
    """Where a range starts and stops in an object of `size` bytes; more than there is is cut off.

    InvalidSpec for a range that starts at or after its end or the object's.
    """
    check(uri, start, end)
    if start is None and end is None:
        return 0, size
    first = start or 0
    if first < 0:
        first = max(size + first, 0)
    stop = size if end is None else min(end, size)
    if first >= stop:
        raise InvalidSpec(f"{uri}: the range {_text(start, end)} has no byte of an object of {size} bytes")
    return first, stop


def _text(start: int | None, end: int | None) -> str:
    return f"{'' if start is None else start}:{'' if end is None else end}"
