"""What a request asks for beside its body: which function, and how it wants to be called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, unquote

from .envelope import JSON, CallError

MAXIMUM_TIMEOUT: Final = 3000.0
DEFAULT_TIMEOUT: Final = 300.0
CONTENT_TYPES: Final = (JSON, "text/plain", "application/text", "application/octet-stream")

_SCHEMES: Final = (b"simple ", b"bearer ")
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """`timeout` is how many seconds the caller waits for an answer; `output` is "json", "raw" or "void"."""

    timeout: float = DEFAULT_TIMEOUT
    output: str = "json"


@lru_cache(maxsize=1024)
def parse_options(query: str) -> Options:
    """The options of a query string; CallError (InputError) for those that nobody knows."""
    timeout, output = DEFAULT_TIMEOUT, "json"
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == "timeout":
            timeout = _timeout(value)
        elif name == "output":
            output = _output(value)
        elif name == "stdout":
            _stdout(value)
        else:
            raise CallError("InputError", f'"{name[:80]}" is not an option; there are timeout, output and stdout')
    return Options(timeout, output)


def wants_raw(query: str) -> bool:
    """Whether a query string asks for raw output, whatever else is wrong with it."""
    return ("output", "raw") in parse_qsl(query)


@lru_cache(maxsize=1024)
def parse_content_type(header: bytes) -> bytes:
    """The header, if it names a type that a function may be sent (JSON when there is none); else CallError."""
    media = header.partition(b";")[0].strip().lower()
    if not header:
        return JSON.encode()
    if media.decode("latin-1") not in CONTENT_TYPES or len(header) > 256 or not header.isascii():
        raise CallError("UnsupportedError", f"the body's content type must be one of {', '.join(CONTENT_TYPES)}")
    return header


def parse_reference(path: str) -> str:
    """The part of a path after /v1/algo/, as a reference: "namespace/Name" or "namespace/Name/version"."""
    return (unquote(path) if "%" in path else path).removesuffix("/")


def parse_key(header: bytes) -> bytes:
    """The key of an Authorization header, be it bare, `Simple KEY` or `Bearer KEY`; empty if there is none."""
    header = header.strip()
    scheme = header[:7].lower()
    return header[7:].strip() if scheme in _SCHEMES else header


def parse_request_id(header: bytes | None) -> str | None:
    """The caller's own request id, if it is one that can stand in a log line."""
    return header.decode() if header is not None and _REQUEST_ID.fullmatch(header) else None


def _timeout(value: str) -> float:
    seconds = float(value) if _NUMBER.fullmatch(value) else 0.0
    if not 0 < seconds <= MAXIMUM_TIMEOUT:
        raise CallError("InputError", f"timeout must be more than 0 and at most {MAXIMUM_TIMEOUT:.0f} seconds")
    return seconds


def _output(value: str) -> str:
    if value not in ("raw", "void"):
        raise CallError("InputError", "output must be raw or void; leave it out for JSON")
    return value


def _stdout(value: str) -> None:
    if value.lower() != "false":
        raise CallError("UnsupportedError", "stdout cannot be sent with the result; read it with `cloudlayer logs`")
