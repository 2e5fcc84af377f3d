"""What an object's bytes say, and what they are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, BinaryIO, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.storage.store import Data
from cloudlayer.storage.uri import shown
from cloudlayer.units import MIB

JSON: Final = "application/json"
_PIECE: Final = MIB


def encoded(uri: str, data: str | Data) -> Data:
    """Text as UTF-8; bytes as they are."""
    if isinstance(data, bytes | bytearray):
        return data
    if isinstance(data, memoryview):
        return data.cast("B")
    if not isinstance(data, str):
        raise InvalidSpec(
            f"{shown(uri)}: an object is bytes or text, not {type(data).__name__}: use put_json or put_stream for others"
        )
    try:
        return data.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidSpec(f"{shown(uri)}: half a character at {error.start} of the text, which UTF-8 cannot write") from None


def decoded(uri: str, data: bytes, encoding: str) -> str:
    """Bytes as text."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        told = f"byte {data[error.start]:#04x} at {error.start}"
        raise InvalidSpec(f"{shown(uri)} is not {encoding} ({told}): name its encoding, or read bytes") from None
    except LookupError:
        raise InvalidSpec(f'{shown(uri)}: no encoding is called "{encoding}"') from None


def to_json(uri: str, value: Any) -> bytes:
    """A value as JSON."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidSpec(f"{shown(uri)}: this value is no JSON: {error}") from None


def from_json(uri: str, data: bytes) -> Any:
    """The value of a JSON text."""
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise InvalidSpec(f"{shown(uri)} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise InvalidSpec(f"{shown(uri)} is not JSON: {error}") from None


def pieces(source: Iterable[Data] | BinaryIO) -> Iterable[Data]:
    """The pieces of an iterable, or of a binary file from where it stands."""
    read = getattr(source, "read", None)
    return source if read is None else iter(lambda: read(_PIECE), b"")
