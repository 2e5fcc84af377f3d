"""Uploads in parts: blocks, by the Azure library. What a block is, its name tells: the upload, the number, size and sum."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from azure.storage.blob import BlobBlock, ContainerClient

from cloudlayer.errors import IntegrityError, NotFound, RejectedSpec, TransientError
from cloudlayer.storage.checksums import attach, combine, crc32c, encode
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.store import Data, Upload
from cloudlayer.storage.stores.az.errors import told
from cloudlayer.storage.stores.az.requests import AzureRequests, conditions, kept, quoted
from cloudlayer.storage.stores.parts import sized
from cloudlayer.storage.stores.through_obstore_attempts import Attempts
from cloudlayer.storage.stores.through_obstore_requests import DEFAULT_TYPE, MARK

MOST_BLOCKS: Final = 50_000
_UNREAD: Final = frozenset({"", "InvalidBlockId", "InvalidXmlDocument", "InvalidXmlNodeValue"})
"""The codes with which a list of blocks is refused that cannot be read; Azurite gives none."""
_NAME: Final = re.compile(r"(?P<upload>[0-9a-f]{24})-(?P<number>[0-9]{5})-(?P<size>[0-9]{10})-(?P<crc32c>[0-9a-f]{8})")


class Uploads:
    """The uploads of one container."""

    def __init__(self, uri: str, container: ContainerClient, requests: AzureRequests, attempts: Attempts) -> None:
        self.uri = uri
        self.container = container
        self.requests = requests
        self.attempts = attempts

    def begin(self, key: str, options: PutOptions, part_size: int, size: int | None) -> AzureUpload:
        """Nothing is sent: the blocks' names have the id."""
        return AzureUpload(self, key, uuid4().hex[:24], options, part_size=sized(part_size, size, MOST_BLOCKS), parts={})

    def resume(self, key: str, identity: str, options: PutOptions, part_size: int, size: int | None) -> AzureUpload:
        """Get Block List. NotFound for an upload of which no block has arrived."""
        parts = self.staged(key, identity)
        if not parts:
            raise NotFound(f'"{key}" has no block of the upload {identity}', provider=self.uri)
        length = parts[1][0] if len(parts) > 1 and 1 in parts else sized(part_size, size, MOST_BLOCKS)
        return AzureUpload(self, key, identity, options, part_size=length, parts=parts)

    def staged(self, key: str, identity: str) -> dict[int, tuple[int, int]]:
        """Size and sum of the parts that arrived, by number."""

        def blocks() -> list[BlobBlock]:
            with told(self.uri):
                return list(self.container.get_blob_client(key).get_block_list("uncommitted")[1])

        found = (_read(str(block.id)) for block in self.attempts(blocks))
        return {number: (size, total) for upload, number, size, total in filter(None, found) if upload == identity}


class AzureUpload(Upload):
    """Blocks that are no blob yet. `parts` are size and sum of those that are there, by number."""

    def __init__(
        self,
        uploads: Uploads,
        key: str,
        identity: str,
        options: PutOptions,
        *,
        part_size: int,
        parts: dict[int, tuple[int, int]],
    ) -> None:
        self.id = identity
        self.part_size = part_size
        self._uploads = uploads
        self._key = key
        self._options = options
        self._parts = parts
        self._lock = threading.Lock()
        self._aborted = False

    def have(self) -> Mapping[int, int]:
        """All that arrived."""
        with self._lock:
            return {number: total for number, (_, total) in self._parts.items()}

    def part(self, number: int, data: Data) -> None:
        """Put Block, with its MD5, which the service compares."""
        body = data if isinstance(data, bytes) else bytes(data)
        total = crc32c(body)
        name = _name(self.id, number, len(body), total)

        def stage() -> None:
            with told(self._uploads.uri):
                self._blob().stage_block(name, body, validate_content=True)

        if body:
            self._uploads.attempts(stage)
        with self._lock:
            self._parts[number] = (len(body), total)

    def complete(self, *, size: int, crc32c: int) -> ObjectInfo:
        """Put Block List."""
        if self._aborted:
            raise NotFound(f'the upload of "{self._key}" was aborted', provider=self._uploads.uri)
        blocks = self._blocks(size, crc32c)
        options, uploads = self._options, self._uploads
        content_type, mark = options.content_type or DEFAULT_TYPE, uuid4().hex
        given = kept({**attach(options.metadata, crc32c), MARK: mark}, content_type, options) | conditions(options)

        def commit() -> ObjectInfo:
            try:
                with told(uploads.uri, if_absent=options.if_absent):
                    answer = self._blob().commit_block_list(blocks, **given)
            except (NotFound, RejectedSpec) as refused:
                if isinstance(refused, NotFound) or (refused.code or "") in _UNREAD:
                    self._refuse_if_damaged()
                raise
            return ObjectInfo(self._key, size, quoted(str(answer["etag"])), None, content_type, options.metadata, crc32c)

        def ours() -> ObjectInfo | None:
            found = uploads.requests.head(self._key)
            return replace(found.info, crc32c=crc32c) if found.mark == mark else None

        return uploads.attempts.write(uploads.uri, commit, ours)

    def _refuse_if_damaged(self) -> None:
        """A list of blocks bears no sum: if it is refused though the service has each block, it was damaged on its way."""
        with self._lock:
            listed = {number for number, (length, _) in self._parts.items() if length}
        if listed <= self._uploads.staged(self._key, self.id).keys():
            raise TransientError("the list of parts did not arrive as it was sent", provider=self._uploads.uri, code="Damaged")

    def abort(self) -> None:
        """Forget the upload. Azure has no call that throws blocks away: it does so after a week, or when the blob is put."""
        self._aborted = True

    def _blob(self) -> Any:
        return self._uploads.container.get_blob_client(self._key)

    def _blocks(self, size: int, total: int) -> list[BlobBlock]:
        with self._lock:
            parts = sorted(self._parts.items())
        summed = 0
        for _, (length, one) in parts:
            summed = combine(summed, one, length)
        if sum(length for _, (length, _) in parts) != size or summed != total:
            message = f'the parts of "{self._key}" are not {size} bytes with the sum {encode(total)}'
            raise IntegrityError(message, provider=self._uploads.uri)
        return [BlobBlock(_name(self.id, number, length, one)) for number, (length, one) in parts if length]


def _name(upload: str, number: int, size: int, total: int) -> str:
    return f"{upload}-{number:05}-{size:010}-{total:08x}"


def _read(identity: str) -> tuple[str, int, int, int] | None:
    """What a block's name tells; None for one that is not ours."""
    text = identity
    if not _NAME.fullmatch(text):
        try:
            text = base64.b64decode(identity, validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            return None
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    return match["upload"], int(match["number"]), int(match["size"]), int(match["crc32c"], 16)
