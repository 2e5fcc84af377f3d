"""Checksums that come with bodies."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable
from typing import Final

from benchmarks.objects_server.messages import Buffer, S3Error

Digest = Callable[[Iterable[Buffer]], bytes]


def _hashed(name: str) -> Digest:
    def digest(parts: Iterable[Buffer]) -> bytes:
        state = hashlib.new(name, usedforsecurity=False)
        for part in parts:
            state.update(part)
        return state.digest()

    return digest


def _crc32(parts: Iterable[Buffer]) -> bytes:
    value = 0
    for part in parts:
        value = zlib.crc32(part, value)
    return value.to_bytes(4, "big")


DIGESTS: Final[dict[str, Digest | None]] = {
    "crc32": _crc32,
    "crc32c": None,
    "crc64nvme": None,
    "sha1": _hashed("sha1"),
    "sha256": _hashed("sha256"),
}
"""By the name that follows "x-amz-checksum-"; None: taken as it is."""

try:
    import google_crc32c
except ImportError:
    pass
else:

    def _crc32c(parts: Iterable[Buffer]) -> bytes:
        value = 0
        for part in parts:
            value = google_crc32c.extend(value, part if isinstance(part, bytes) else bytes(part))
        return value.to_bytes(4, "big")

    DIGESTS["crc32c"] = _crc32c

PREFIX: Final = "x-amz-checksum-"
_md5: Final = _hashed("md5")
_sha256: Final = _hashed("sha256")
_HEXADECIMAL: Final = 64
"""Letters of a SHA-256; what stands in its place when a body is not signed is shorter."""


def signed(headers: dict[str, str], parts: list[Buffer]) -> None:
    """An error if the body is not the one that was signed; one that was signed without its sum is taken as it is."""
    text = headers.get("x-amz-content-sha256", "")
    if len(text) == _HEXADECIMAL and _sha256(parts).hex() != text:
        raise S3Error(400, "XAmzContentSHA256Mismatch", "the body has another SHA-256 than was signed")


def verified(headers: dict[str, str], parts: list[Buffer]) -> tuple[str, str] | None:
    """The name and the text of the checksum that came with a body, None without one; an error if the body has another."""
    if "content-md5" in headers and headers["content-md5"] != _text(_md5(parts)):
        raise S3Error(400, "BadDigest", "the body has another Content-MD5")
    for name, digest in DIGESTS.items():
        if text := headers.get(PREFIX + name):
            if digest is not None and _text(digest(parts)) != text:
                raise S3Error(400, "BadDigest", f"the body has another {name}")
            return name, text
    return None


def composite(name: str, texts: Iterable[str]) -> str | None:
    """The checksum of the parts' checksums, None for a kind that is not known here."""
    digest = DIGESTS[name]
    return _text(digest(base64.b64decode(text) for text in texts)) if digest is not None else None


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
