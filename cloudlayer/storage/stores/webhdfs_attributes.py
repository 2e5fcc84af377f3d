"""The extended attribute in which webhdfs:// keeps what HDFS has no place for: metadata, content type, CRC-32C."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from cloudlayer.storage.checksums import decode, encode
from cloudlayer.storage.objects import ObjectInfo

ATTRIBUTE: Final = "user.cloudlayer"


def write_attribute(info: ObjectInfo) -> str:
    """The attribute's value, as WebHDFS takes it: the hexadecimal digits of JSON."""
    kept = {
        "content_type": info.content_type,
        "metadata": dict(info.metadata),
        "crc32c": None if info.crc32c is None else encode(info.crc32c),
    }
    return "0x" + json.dumps({name: value for name, value in kept.items() if value}).encode().hex()


def read_attribute(info: ObjectInfo, value: str | None) -> ObjectInfo:
    """The object with what its attribute says; one that somebody else has written says nothing."""
    try:
        kept = json.loads(bytes.fromhex((value or "0x7b7d").removeprefix("0x")))
        return replace(
            info, content_type=kept.get("content_type"), metadata=kept.get("metadata", {}), crc32c=decode(kept.get("crc32c"))
        )
    except (ValueError, AttributeError):
        return info
