"""Into a store: a file, a stream, or an object of another store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cloudlayer.errors import CloudLayerError, NotFound
from cloudlayer.storage.checksums import crc32c, verify
from cloudlayer.storage.objects import PLAIN, ObjectInfo, PutOptions
from cloudlayer.storage.store import Data, Store, Upload
from cloudlayer.storage.transfers import journal
from cloudlayer.storage.transfers.buffers import AT_ONCE, BUFFERS, OF_STREAM, SMALL, Progress
from cloudlayer.storage.transfers.parts import Crew, Part, Sums, cut, move
from cloudlayer.storage.transfers.pieces import Pieces
from cloudlayer.storage.transfers.sources import FileSource, Source


def upload_file(
    store: Store, key: str, path: str | Path, options: PutOptions = PLAIN, *, progress: Progress | None = None
) -> ObjectInfo:
    """Put a file. If an earlier try broke off, and the store can go on, parts that arrived and are equal are not sent again.

    Changed if the file is written to meanwhile; then, as after every error, the object is what it was before.
    """
    with FileSource(Path(path)) as source:
        return send(source, store, key, options, progress=progress)


def send(source: Source, store: Store, key: str, options: PutOptions, *, progress: Progress | None) -> ObjectInfo:
    """Put the bytes of a source, as `upload_file` says."""
    if source.size <= SMALL:
        return _send_small(source, store, key, options, progress)
    with journal.entry("uploads", source.name, store.uri + key) as entry:
        kept = entry if store.capabilities["resume"] else None
        return _Sending(source, store, key, options, kept, progress).run()


def _send_small(source: Source, store: Store, key: str, options: PutOptions, progress: Progress | None) -> ObjectInfo:
    with BUFFERS.lent(source.size * source.copies):
        data = source.read(0, source.size) if source.size else b""
        source.check()
        info = store.put(key, data, options)
    if progress:
        progress(source.size)
    return info


@dataclass(frozen=True, slots=True)
class _Sending:
    """A large source on its way, with its entry in the journal if there is one."""

    source: Source
    store: Store
    key: str
    options: PutOptions
    entry: journal.Entry | None
    progress: Progress | None

    def run(self) -> ObjectInfo:
        upload = self._resumed()
        have: Mapping[int, int] = upload.have() if upload else {}
        upload = upload or self._begun()
        with _kept_or_given_up(upload, self.entry):
            crc32c = self._send(upload, have)
            self.source.check()
            size, expected = self.source.size, self.source.crc32c
            verify(self.source.name, size=size, expected_size=size, crc32c=crc32c, expected=expected)
            return upload.complete(size=size, crc32c=crc32c)

    def _send(self, upload: Upload, have: Mapping[int, int]) -> int:
        """Send the parts that are not there. The sum of the whole."""
        sums = Sums()

        def one(part: Part) -> None:
            data = self.source.read(part.start, part.end)
            crc = crc32c(data)
            if have.get(part.number) != crc:
                upload.part(part.number, data)
            sums.add(part, crc)
            if self.progress:
                self.progress(part.size)

        move(cut(self.source.size, upload.part_size), one, parallel=self._is_parallel, copies=self.source.copies)
        return sums.whole()

    def _begun(self) -> Upload:
        upload = self.store.upload(self.key, self.options, size=self.source.size)
        if self.entry:
            self.entry.begin({**self._what(), "upload": upload.id})
        return upload

    def _resumed(self) -> Upload | None:
        """The upload that an earlier try began; one of another version of the source is thrown away."""
        before = self.entry.read()[0] if self.entry else {}
        if "upload" not in before:
            return None
        try:
            upload = self.store.upload(self.key, self.options, size=self.source.size, resume=before.pop("upload"))
        except NotFound:
            return None
        if before == self._what() and (self._is_parallel or self._has_begun(upload)):
            return upload
        upload.abort()
        return None

    @property
    def _is_parallel(self) -> bool:
        return bool(self.store.capabilities["parallel_parts"])

    def _has_begun(self, upload: Upload) -> bool:
        """Whether all that arrived is equal: where parts come in order, none before the last one can be sent again."""
        have, parts = upload.have(), cut(self.source.size, upload.part_size)
        arrived = (part for part in parts if part.number in have)
        return all(crc32c(self.source.read(part.start, part.end)) == have[part.number] for part in arrived)

    def _what(self) -> dict[str, Any]:
        """What must be the same for the upload to go on. From where and to where it goes is what its entry is called by."""
        options = self.options
        kept = [options.if_absent, options.if_match, options.content_type, dict(options.metadata), dict(options.tags)]
        return {"version": self.source.version, "options": kept}


@contextmanager
def _kept_or_given_up(upload: Upload, entry: journal.Entry | None) -> Iterator[None]:
    """What has arrived stays for the next try after an error that it may go on from, and is thrown away after others."""
    try:
        yield
    except BaseException as error:
        if entry and isinstance(error, journal.WORTH_GOING_ON):
            raise
        with suppress(CloudLayerError):  # the first error is the one to tell
            upload.abort()
        if entry:
            entry.remove()
        raise
    if entry:
        entry.remove()


def upload_stream(
    store: Store, key: str, chunks: Iterable[Data], options: PutOptions = PLAIN, *, progress: Progress | None = None
) -> ObjectInfo:
    """Put what an iterator gives, in pieces of any size, until it ends. Nothing is put if it raises.

    The part that it is giving is in no budget: were it, streams that wait for who writes into them would block all others.
    """
    pieces = Pieces(chunks)
    head = pieces.take(SMALL)
    if pieces.ended():
        return _put_head(store, key, head, options, progress)
    pieces.put_back(head)
    del head  # it would stay in memory to the end
    upload = store.upload(key, options)
    with _kept_or_given_up(upload, None):
        size, crc32c = _stream(pieces, upload, progress, parallel=bool(store.capabilities["parallel_parts"]))
        return upload.complete(size=size, crc32c=crc32c)


def _put_head(store: Store, key: str, data: Data, options: PutOptions, progress: Progress | None) -> ObjectInfo:
    with BUFFERS.lent(len(data)):
        info = store.put(key, data, options)
    if progress:
        progress(len(data))
    return info


def _stream(pieces: Pieces, upload: Upload, progress: Progress | None, *, parallel: bool) -> tuple[int, int]:
    """Send a stream to its end. Its size and sum."""
    sums, part = Sums(), Part(0, 0, 0)

    def one(part: Part, data: Data) -> None:
        upload.part(part.number, data)
        sums.add(part, crc32c(data))
        if progress:
            progress(part.size)

    with Crew(min(AT_ONCE, max(1, OF_STREAM // upload.part_size)) if parallel else 1) as crew:
        while not pieces.ended():
            data = pieces.take(upload.part_size)
            if not crew.claim(len(data)):
                break
            part = Part(part.number + 1, part.end, part.end + len(data))
            crew.hand_over(part.size, partial(one, part, data))
            del data  # the thread alone has it: it is let go of when it is sent
    return part.end, sums.whole()
