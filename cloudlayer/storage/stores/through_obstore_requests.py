"""What stores over a cloud's own library share: single requests, what is put by them, and what they find."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from cloudlayer.interfaces.capabilities import Capabilities
from cloudlayer.storage.checksums import METADATA, attach, crc32c, decode
from cloudlayer.storage.limits import check_put
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.store import Data

if TYPE_CHECKING:
    from obstore import PutMode

MARK: Final = "cloudlayer-attempt"
"""The metadata by which a put under a condition knows what it wrote itself; users do not see it."""
KEPT_BY_STORE: Final = "store"
"""In the place of a sum that was not known when the object was begun: the store itself keeps it."""
DEFAULT_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Found:
    """An object, and the mark of the conditional put that made it, if one did."""

    info: ObjectInfo
    mark: str | None


def found(
    key: str, kept: Mapping[str, str], *, size: int, etag: str | None, modified: datetime | None, content_type: str | None
) -> Found:
    """An object with the metadata that it is kept with; ours is not told as the user's."""
    users = dict(kept)
    mark, total = users.pop(MARK, None), decode(users.pop(METADATA, None))
    return Found(ObjectInfo(key, size, etag, modified, content_type, users, total), mark)


@dataclass(slots=True)
class Writing:
    """A put that was checked and is ready to be sent. `kept` is the metadata with the sum, and the mark of a condition."""

    key: str
    data: Data
    options: PutOptions
    kept: Mapping[str, str]
    content_type: str
    crc32c: int

    @property
    def conditional(self) -> bool:
        """Whether it may be refused for what is there."""
        return MARK in self.kept

    @property
    def mode(self) -> PutMode:
        """The condition, as obstore has it."""
        if self.options.if_absent:
            return "create"
        return "overwrite" if self.options.if_match is None else {"e_tag": self.options.if_match}

    def answered(self, etag: str | None) -> ObjectInfo:
        """The object that it made."""
        return ObjectInfo(self.key, len(self.data), etag, None, self.content_type, self.options.metadata, self.crc32c)


class Requests(ABC):
    """Single requests by the cloud's own library, never tried again; errors are those of cloudlayer."""

    @abstractmethod
    def get(self, key: str, start: int | None, end: int | None, if_match: str | None) -> tuple[ObjectInfo, bytes]:
        """What is known of the object, and the bytes of it that were asked for; a `start` below 0 has no `end`."""

    @abstractmethod
    def head(self, key: str) -> Found:
        """All that is known of the object."""

    @abstractmethod
    def put(self, writing: Writing) -> str:
        """The etag of what was put."""

    @abstractmethod
    def delete(self, key: str, if_match: str | None) -> None:
        """Delete the object; NotFound only if `if_match` is given."""


def writing(uri: str, capabilities: Capabilities, key: str, data: Data, options: PutOptions) -> Writing:
    """Check a put, and sum its bytes up."""
    check_put(uri, capabilities, options)
    if isinstance(data, memoryview):
        data = data.cast("B")
    total = crc32c(data)
    kept = attach(options.metadata, total)
    if options.if_absent or options.if_match is not None:
        kept[MARK] = uuid4().hex
    return Writing(key, data, options, kept, options.content_type or DEFAULT_TYPE, total)
