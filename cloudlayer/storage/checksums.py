"""CRC-32C, the checksum that goes with an object from the put to the get, and how it is written down beside the object.

Where a store keeps metadata, the sum of the whole is kept under the name METADATA, as S3 and Cloud Storage write theirs: the
four bytes, highest first, in base64. Users never see that name in the metadata of an object.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final, TypeAlias

import google_crc32c

from cloudlayer.errors import IntegrityError
from cloudlayer.storage.uri import parse, shown

METADATA: Final = "cloudlayer-crc32c"
"""The name of the metadata that keeps an object's sum."""

Data: TypeAlias = bytes | bytearray | memoryview
_POLYNOMIAL: Final = 0x82F63B78
_ONE: Final = 1 << 31
_WINDOW: Final = 1 << 18
"""Bytes that are copied at once: so few stay in the processor's cache, and cost no fresh pages."""
_extend: Final[Callable[[int, bytes], int]] = google_crc32c.extend


def crc32c(data: Data, value: int = 0) -> int:
    """The CRC-32C of `data`, or of what has the sum `value` with `data` after it."""
    if type(data) is bytes:
        return _extend(value, data)
    view = memoryview(data).cast("B")
    for start in range(0, len(view), _WINDOW):  # the library takes `bytes` alone: a copy, never of more than a window
        value = _extend(value, bytes(view[start : start + _WINDOW]))
    return value


def combine(first: int, second: int, length: int) -> int:
    """The sum of two pieces after each other, from the sum of each and the second one's length in bytes."""
    return _times(_power(8 * length), first) ^ second


def encode(crc32c: int) -> str:
    """The sum as text."""
    return binascii.b2a_base64(crc32c.to_bytes(4, "big"), newline=False).decode("ascii")


def decode(text: str | None) -> int | None:
    """The sum that a text tells; None for a text that is no sum of a whole, such as S3's of a sum over sums ("…==-3")."""
    try:
        raw = base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return int.from_bytes(raw, "big") if len(raw) == 4 else None


def attach(metadata: Mapping[str, str], crc32c: int) -> dict[str, str]:
    """The metadata to keep with an object: the user's, and the sum."""
    return {**metadata, METADATA: encode(crc32c)}


def detach(metadata: Mapping[str, str]) -> tuple[dict[str, str], int | None]:
    """The user's metadata, and the sum that was kept with it."""
    users = dict(metadata)
    return users, decode(users.pop(METADATA, None))


def verify(uri: str, *, size: int, expected_size: int, crc32c: int | None, expected: int | None) -> None:
    """IntegrityError unless size and sum of the object `uri` are those expected; a sum that is None is not compared."""
    if size != expected_size:
        raise _damaged(uri, f"{size} bytes arrived of {expected_size}", "Truncated")
    if crc32c is not None and expected is not None and crc32c != expected:
        raise _damaged(uri, f"its crc32c is {encode(crc32c)}, and {encode(expected)} was put", "ChecksumMismatch")


def _damaged(uri: str, what: str, code: str) -> IntegrityError:
    location = parse(shown(uri))
    return IntegrityError(f"{location.key} is damaged: {what}", provider=str(replace(location, key="")), code=code)


@lru_cache(maxsize=256)
def _power(exponent: int) -> int:
    """x to the power of `exponent` modulo the polynomial; its bits are in reverse order, as everywhere in a CRC."""
    result, square = _ONE, _ONE >> 1
    while exponent:
        if exponent & 1:
            result = _times(square, result)
        square = _times(square, square)
        exponent >>= 1
    return result


def _times(left: int, right: int) -> int:
    """The product of two polynomials over GF(2), modulo that of CRC-32C."""
    product = 0
    while left:
        if left & _ONE:
            product ^= right
        left = (left << 1) & 0xFFFFFFFF
        right = (right >> 1) ^ (_POLYNOMIAL if right & 1 else 0)
    return product
