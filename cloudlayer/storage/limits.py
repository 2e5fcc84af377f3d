"""What every store refuses before any call: keys, metadata and conditions that some store could not keep as they are."""

from __future__ import annotations

import re
from typing import Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces.capabilities import Capabilities
from cloudlayer.storage.checksums import METADATA
from cloudlayer.storage.objects import PLAIN, PutOptions

LONGEST_KEY: Final = 1024
"""Bytes of UTF-8 that a key may have."""
_NAME: Final = re.compile(r"[a-z0-9-]+", re.ASCII)
_VALUE: Final = re.compile(r"[ -~]*", re.ASCII)
_SEGMENTS: Final = frozenset({"", ".", ".."})


def check_key(uri: str, key: str) -> None:
    """InvalidSpec unless `key` is 1 to 1,024 bytes of UTF-8. `uri` is the store's."""
    if key and key.isascii() and len(key) <= LONGEST_KEY:
        return
    if not key:
        raise InvalidSpec(f"{uri} names no object: write a key after it")
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError:
        raise InvalidSpec(
            f"{uri}{ascii(key)[1:-1]} is no key: it has half a character in it, which UTF-8 cannot write"
        ) from None
    if size > LONGEST_KEY:
        raise InvalidSpec(
            f"{uri}{key[:60]}… is too long: a key has at most {LONGEST_KEY:,} bytes of UTF-8, and this one {size:,}"
        )


def check_path(uri: str, key: str) -> None:
    """As `check_key`, for a store whose keys are paths: no segment may be empty, "." or ".."."""
    check_key(uri, key)
    if not _SEGMENTS.isdisjoint(key.split("/")):
        raise InvalidSpec(f'{uri}{key} is no key here: no part between slashes may be empty, "." or ".."')


def is_path(key: str) -> bool:
    """Whether a store whose keys are paths may have an object of this key."""
    return _SEGMENTS.isdisjoint(key.split("/"))


def check_put(uri: str, capabilities: Capabilities, options: PutOptions) -> None:
    """InvalidSpec for options that no store could keep, Unsupported for those that this one cannot."""
    if options is PLAIN:
        return
    if options.if_absent and options.if_match is not None:
        raise InvalidSpec(f"{uri}: `if_absent` and `if_match` exclude each other: give one")
    for wanted, name in (
        (options.if_absent, "create_if_absent"),
        (options.if_match is not None, "compare_and_swap"),
        (options.content_type is not None, "content_type"),
        (options.metadata, "metadata"),
        (options.tags, "tags"),
    ):
        if wanted:
            capabilities.require(name)
    for name, value in options.metadata.items():
        _check_metadata(uri, name, value)


def _check_metadata(uri: str, name: str, value: str) -> None:
    if name == METADATA:
        raise InvalidSpec(f"{uri}: the metadata {METADATA} is kept by cloudlayer itself: use another name")
    if not _NAME.fullmatch(name):
        raise InvalidSpec(f'{uri}: "{name}" is no name of metadata: use small letters, digits and hyphens')
    if not _VALUE.fullmatch(value) or value != value.strip():
        raise InvalidSpec(f"{uri}: the metadata {name} must be printable ASCII, without blanks at its ends")
