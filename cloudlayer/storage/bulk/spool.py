"""Names with what lists tell of them, more than memory may hold, kept in a file without a name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from cloudlayer.storage.objects import ObjectInfo

_BATCH: Final = 1000


class Spool:
    """Is filled, then read in order of the names' UTF-8 bytes. Closed by whoever made it; gone with the process."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(
            "CREATE TABLE items (name TEXT, key TEXT, size INTEGER, etag TEXT, modified TEXT, crc INTEGER)"
        )
        self._connection.execute("BEGIN")
        self._waiting: list[tuple[object, ...]] = []
        self.count = 0

    def add(self, name: str, info: ObjectInfo) -> None:
        """Keep one more."""
        modified = info.modified.isoformat() if info.modified else None
        self._waiting.append((name, info.key, info.size, info.etag, modified, info.crc32c))
        self.count += 1
        if len(self._waiting) == _BATCH:
            self._write()

    def _write(self) -> None:
        self._connection.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()

    def items(self) -> Iterator[tuple[str, ObjectInfo]]:
        """All that is kept, in order."""
        self._write()
        for name, key, size, etag, modified, crc in self._connection.execute("SELECT * FROM items ORDER BY name"):
            yield name, ObjectInfo(key, size, etag, datetime.fromisoformat(modified) if modified else None, crc32c=crc)

    def close(self) -> None:
        """Forget all of it."""
        self._connection.close()


class Names:
    """Names that a store takes for one where they differ in case alone."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("CREATE TABLE names (folded TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID")
        self._connection.execute("BEGIN")

    def add(self, name: str) -> str:
        """Keep a name. The one that was there first: another one, if the two differ in case alone."""
        self._connection.execute("INSERT OR IGNORE INTO names VALUES (?, ?)", (name.casefold(), name))
        return self.first(name) or name

    def first(self, name: str) -> str | None:
        """The name that is kept and is the same but for its case, or None."""
        row = self._connection.execute("SELECT name FROM names WHERE folded = ?", (name.casefold(),)).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Forget all of it."""
        self._connection.close()
