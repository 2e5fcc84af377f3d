"""What was the same at both ends when it was last looked at: so that a second run moves nothing, and sees every change."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.storage.objects import ObjectInfo
from cloudlayer.storage.transfers import journal

_BATCH: Final = 1000
_SECONDS: Final = 1.0
"""What a process that is killed forgets at most; it is looked at anew."""


@dataclass(frozen=True, slots=True)
class Pair:
    """How the two ends of a name looked when they were the same."""

    source: str
    target: str


def look(info: ObjectInfo) -> str:
    """A text that is another one whenever the object is; empty where the list does not tell."""
    if info.etag is not None:
        return f"etag {info.etag}"
    return f"modified {info.modified.isoformat()}" if info.modified else ""


def is_same(before: str, now: str) -> bool | None:
    """Whether two looks are of the same version; None if that cannot be told."""
    if not before or before.partition(" ")[0] != now.partition(" ")[0]:
        return None
    return before == now


class Seen:
    """The pairs of two trees, in a database that outlives the process.

    All but `pairs` are called by one thread at a time.
    """

    def __init__(self, purpose: str, source: str, target: str) -> None:
        name = hashlib.sha256("\n".join((purpose, source, target)).encode()).hexdigest()[:32]
        with _writing():
            self.path: Final = journal.folder("trees") / f"{name}.db"
            self._connection = self._opened()
            self._connection.execute("INSERT OR REPLACE INTO trees VALUES (1, ?, ?)", (source, target))
            self._connection.commit()
        self._added: list[tuple[str, str, str]] = []
        self._gone: list[tuple[str]] = []
        self._written = time.monotonic()

    def _opened(self) -> sqlite3.Connection:
        try:
            return _opened(self.path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # what is no database any more is worth no more than none
            self.remove_files()
            return _opened(self.path)

    def pairs(self) -> Iterator[tuple[str, Pair]]:
        """All pairs as they are now, in order of the names' UTF-8 bytes; what is added meanwhile does not show."""
        reader = sqlite3.connect(self.path, check_same_thread=False)
        try:
            for name, source, target in reader.execute("SELECT name, source, target FROM seen ORDER BY name"):
                yield name, Pair(source, target)
        finally:
            reader.close()

    def add(self, name: str, source: ObjectInfo, target: ObjectInfo) -> None:
        """The two are the same now."""
        self._added.append((name, look(source), look(target)))
        self._write_at_times()

    def forget(self, name: str) -> None:
        """It is not at the source any more."""
        self._gone.append((name,))
        self._write_at_times()

    def _write_at_times(self) -> None:
        full = len(self._added) + len(self._gone) >= _BATCH
        if full or time.monotonic() - self._written > _SECONDS:
            self.write()

    def write(self) -> None:
        """Have what was added outlive the process."""
        with _writing():
            self._connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", self._added)
            self._connection.executemany("DELETE FROM seen WHERE name = ?", self._gone)
            self._connection.commit()
        self._added.clear()
        self._gone.clear()
        self._written = time.monotonic()

    def close(self) -> None:
        """Write the rest."""
        self.write()
        self._connection.close()

    def remove_files(self) -> None:
        """Forget all pairs; after `close`."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)


@contextmanager
def _writing() -> Iterator[None]:
    """InvalidSpec, with what mends it, where the files cannot be written."""
    try:
        yield
    except (OSError, RuntimeError, sqlite3.OperationalError) as error:  # RuntimeError: a user without a home
        raise InvalidSpec(
            f"what a run over many objects remembers cannot be written: {error}. "
            f"Set {journal.VARIABLE} to a folder that this user may write to and that has room"
        ) from None


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=60)
    # Readers see a snapshot while pairs are added, and a host that loses its power loses the last ones alone.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE IF NOT EXISTS trees (id INTEGER PRIMARY KEY, source TEXT, target TEXT)")
    connection.execute("CREATE TABLE IF NOT EXISTS seen (name TEXT PRIMARY KEY, source TEXT, target TEXT) WITHOUT ROWID")
    connection.commit()
    return connection
