"""Reading the keys of one host out of a known_hosts file, hashed names and patterns included."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

KEY: Final = re.compile(r"(ssh-[a-z0-9-]+|ecdsa-[a-z0-9-]+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+={0,3}( .*)?", re.ASCII)
"""A public key as one line, with or without a comment."""


def keys_of(text: str, address: str, port: int) -> tuple[str, ...]:
    """The keys that `text` gives the host, without their comments, but for those of authorities and revoked ones."""
    place = address if port == 22 else f"[{address}]:{port}"
    return tuple(dict.fromkeys(bare(key) for names, key in _lines(text) if _is_of(names, place) and KEY.fullmatch(key)))


def bare(key: str) -> str:
    """A public key without its comment."""
    return " ".join(key.split()[:2])


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        names, _, key = line.strip().partition(" ")
        if key and not names.startswith(("#", "@")):
            yield names, " ".join(key.split())


def _is_of(names: str, place: str) -> bool:
    if names.startswith("|"):
        return _is_hash_of(names, place)
    patterns = names.lower().split(",")
    refused = any(_fits(pattern[1:], place) for pattern in patterns if pattern.startswith("!"))
    return not refused and any(_fits(pattern, place) for pattern in patterns)


def _fits(pattern: str, place: str) -> bool:
    # Brackets stand for themselves here, round an address with a port.
    return fnmatchcase(place.lower(), pattern.replace("[", "[[]"))


def _is_hash_of(names: str, place: str) -> bool:
    try:
        _, kind, salt, digest = names.split("|")
        wanted = base64.b64decode(digest, validate=True)
        found = hmac.digest(base64.b64decode(salt, validate=True), place.lower().encode(), "sha1")
    except (ValueError, binascii.Error):
        return False
    return kind == "1" and hmac.compare_digest(found, wanted)
