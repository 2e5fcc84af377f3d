"""Upload sessions of Dropbox: a file that arrives in parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dropbox import files  # type: ignore[import-untyped]

from cloudlayer.errors import CloudError, NotFound
from cloudlayer.storage.checksums import combine, crc32c, verify
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.store import Data, Upload
from cloudlayer.storage.stores.retries import retried

if TYPE_CHECKING:
    from cloudlayer.storage.stores.dropbox import DropboxStore


class DropboxUpload(Upload):
    """Parts in their order, of one upload session."""

    def __init__(self, store: DropboxStore, key: str, options: PutOptions, part_size: int) -> None:
        self.part_size = part_size
        self._store = store
        self._key = key
        self._options = options
        self._sums: list[tuple[int, int]] = []
        self._over = False
        self.id = store.calls(lambda sdk: sdk.files_upload_session_start(b"")).session_id

    def have(self) -> Mapping[int, int]:
        """The sums of those that this process has sent."""
        return {number: total for number, (total, _) in enumerate(self._sums, 1)}

    def part(self, number: int, data: Data) -> None:
        """Append the next part; ValueError for any other one."""
        if number != len(self._sums) + 1:
            raise ValueError(f"part {number} was sent, and part {len(self._sums) + 1} comes next: parts go in order here")
        content = bytes(data)
        retried(lambda: self._append(content))
        self._sums.append((crc32c(content), len(content)))

    def _append(self, content: bytes) -> None:
        cursor = self._cursor()
        try:
            self._store.calls(lambda sdk: sdk.files_upload_session_append_v2(content, cursor))
        except CloudError as error:
            if not self._arrived(error, cursor.offset + len(content)):
                raise

    def _arrived(self, error: CloudError, offset: int) -> bool:
        """Whether it was there already: of an earlier try whose answer was lost."""
        if "incorrect_offset" not in error.code:
            return False
        probe = files.UploadSessionCursor(self.id, offset)
        try:
            self._store.calls(lambda sdk: sdk.files_upload_session_append_v2(b"", probe))
        except CloudError:
            return False
        return True

    def complete(self, *, size: int, crc32c: int) -> ObjectInfo:
        """End the session."""
        if self._over:
            raise NotFound(f"{self._key}: this upload is not there: it was completed or thrown away", provider=self._store.uri)
        total = 0
        for part, length in self._sums:
            total = combine(total, part, length)
        arrived = sum(length for _, length in self._sums)
        verify(self._store.uri + self._key, size=arrived, expected_size=size, crc32c=total, expected=crc32c)
        commit, cursor = self._store.commit(self._key, self._options), self._cursor()
        made = self._store.written(
            self._key,
            self._options,
            lambda: self._store.calls(lambda sdk: sdk.files_upload_session_finish(b"", cursor, commit)),
        )
        self._over = True
        return made

    def abort(self) -> None:
        """Forget it; Dropbox does so by itself."""
        self._over = True

    def _cursor(self) -> files.UploadSessionCursor:
        return files.UploadSessionCursor(self.id, sum(length for _, length in self._sums))
