"""Out of a store, into a file."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudlayer.storage.checksums import crc32c, verify
from cloudlayer.storage.objects import ObjectInfo
from cloudlayer.storage.store import Store
from cloudlayer.storage.stores.renaming import new_id
from cloudlayer.storage.transfers import journal
from cloudlayer.storage.transfers.buffers import BUFFERS, READ_COPIES, SMALL, Progress
from cloudlayer.storage.transfers.local import replacing, write
from cloudlayer.storage.transfers.parts import Part, Sums, cut, move


def download_file(
    store: Store, key: str, path: str | Path, *, info: ObjectInfo | None = None, progress: Progress | None = None
) -> ObjectInfo:
    """Get an object into a file, which is the old one until the whole new one is there. Folders above it are made.

    A large one goes on where an earlier try broke off, if it is the same object still. `info` is what `head` says, for whoever
    knows already. Changed if the object is replaced meanwhile, IntegrityError if what came is not what was put.
    """
    path = Path(path)
    info = info or store.head(key)
    if info.size <= SMALL:
        _get_small(store, info, path, progress)
    elif info.etag is None or not store.reads_ranges(key):
        _get_stream(store, info, path, progress)
    else:
        _get_parts(store, info, path, progress)
    return info


def _get_small(store: Store, info: ObjectInfo, path: Path, progress: Progress | None) -> None:
    with BUFFERS.lent(info.size * READ_COPIES):
        data = store.get(info.key, if_match=info.etag)
        with replacing(path, new_id()) as descriptor:
            write(descriptor, data, 0)
    if progress:
        progress(len(data))


def _get_stream(store: Store, info: ObjectInfo, path: Path, progress: Progress | None) -> None:
    """In one request: where nothing tells one version from the next, or each range would come with all that is before it."""
    reader, place = store.open(info.key, if_match=info.etag), 0
    with closing(reader), replacing(path, new_id()) as descriptor:
        for piece in reader:
            write(descriptor, piece, place)
            place += len(piece)
            if progress:
                progress(len(piece))


def _get_parts(store: Store, info: ObjectInfo, path: Path, progress: Progress | None) -> None:
    source = store.uri + info.key
    with journal.entry("downloads", source, str(path.absolute())) as entry:
        # The same name at every try, that of this journal alone.
        id_ = hashlib.sha256(f"{entry.path}\n{source}".encode()).hexdigest()[:12] if entry else new_id()
        with replacing(path, id_, kept=entry is not None) as descriptor:
            _Getting(store, info, descriptor, entry, progress).run()
        if entry:
            entry.remove()


@dataclass(frozen=True, slots=True)
class _Getting:
    """A large object on its way into an open file."""

    store: Store
    info: ObjectInfo
    descriptor: int
    entry: journal.Entry | None
    progress: Progress | None

    def run(self) -> None:
        have = self._had({"size": self.info.size, "etag": self.info.etag})
        os.ftruncate(self.descriptor, self.info.size)
        sums = Sums()

        def one(part: Part) -> None:
            crc = self._crc_of(part) if part.number in have else None
            if crc is None or crc != have[part.number]:
                crc = self._get(part)
            sums.add(part, crc)
            if self.progress:
                self.progress(part.size)

        move(cut(self.info.size, SMALL), one, parallel=True, copies=1)
        source = self.store.uri + self.info.key
        verify(source, size=self.info.size, expected_size=self.info.size, crc32c=sums.whole(), expected=self.info.crc32c)

    def _had(self, what: dict[str, Any]) -> dict[int, int]:
        """The sums of the parts that an earlier try wrote of the same object; the entry is begun anew if it had another."""
        if self.entry is None:
            return {}
        before, lines = self.entry.read()
        if before == what:
            return dict(pair for pair in map(_pair, lines) if pair)
        self.entry.begin(what)
        return {}

    def _crc_of(self, part: Part) -> int:
        """The sum of what the file has there: a host that lost its power may have kept the journal and not the bytes."""
        return crc32c(os.pread(self.descriptor, part.size, part.start))

    def _get(self, part: Part) -> int:
        crc, place = 0, part.start
        with closing(self.store.open(self.info.key, start=part.start, end=part.end, if_match=self.info.etag)) as reader:
            for piece in reader:
                crc = crc32c(piece, crc)
                write(self.descriptor, piece, place)
                place += len(piece)
        verify(self.store.uri + self.info.key, size=place - part.start, expected_size=part.size, crc32c=None, expected=None)
        if self.entry:
            self.entry.add(f"{part.number} {crc}")
        return crc


def _pair(line: str) -> tuple[int, int] | None:
    """The number and the sum of a part; None for a line that broke off, whose part is got again."""
    try:
        number, crc = map(int, line.split())
    except ValueError:
        return None
    return number, crc
