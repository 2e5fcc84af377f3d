"""Objects as open files: read in ranges of one version, written in parts and there when they are closed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

from fsspec.spec import AbstractBufferedFile

from cloudlayer.storage.filesystem.errors import as_of_files
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.transfers import upload_stream
from cloudlayer.storage.transfers.buffers import SMALL

if TYPE_CHECKING:
    from cloudlayer.storage.filesystem.base import FileSystem


class ObjectReader(AbstractBufferedFile):  # type: ignore[misc]
    """An object open for reading. All of it is of the version that it was opened at: Changed once there is another one."""

    DEFAULT_BLOCK_SIZE = SMALL

    def _fetch_range(self, start: int, end: int) -> bytes:
        """Bytes from the store; a whole object in one request, whose checksum is verified."""
        store, key = self.fs.locate(self.path)
        etag = self.details.get("etag")
        with as_of_files(self.path):
            if start == 0 and end >= self.size:
                whole: bytes = store.get(key, if_match=etag)
                return whole
            ranged: bytes = store.get(key, start=start, end=min(end, self.size), if_match=etag)
            return ranged


class ObjectWriter(AbstractBufferedFile):  # type: ignore[misc]
    """An object open for writing: put at once if it is small, else sent in parts while it is written."""

    DEFAULT_BLOCK_SIZE = SMALL
    closed: bool
    blocksize: int

    def __init__(self, fs: FileSystem, path: str, mode: str, *, options: PutOptions, **kwargs: Any) -> None:
        self._options = options
        self._stream: _Stream | None = None
        self._last: bytes | None = None
        super().__init__(fs, path, mode, **kwargs)
        self.blocksize = max(self.blocksize, SMALL)

    def _upload_chunk(self, final: bool = False) -> bool:
        """Send what is buffered; the last of it is kept back until the file is committed."""
        data = self.buffer.getvalue()
        if final:
            self._last = data
            if self.autocommit:
                self.commit()
            return True
        if self._stream is None:
            store, key = self.fs.locate(self.path)
            self._stream = _Stream(lambda chunks: upload_stream(store, key, chunks, self._options))
        with as_of_files(self.path):
            self._stream.send(data)
        return True

    def commit(self) -> None:
        """Have the object be there."""
        data, self._last = self._last, None
        if data is None:
            return
        with as_of_files(self.path):
            if self._stream is None:
                store, key = self.fs.locate(self.path)
                store.put(key, data, self._options)
            else:
                self._stream.send(data)
                self._stream.end()

    def discard(self) -> None:
        """Leave what was there before."""
        self._last = None
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.give_up()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None and not self.closed:
            self.forced = self.closed = True
            self.discard()
        self.close()

    def __del__(self) -> None:
        if not self.closed:
            self.closed = True
            self.discard()


class _GivenUp(Exception):
    """The writer wants no object."""


_END: Final = b""
"""What ends a stream: no chunk that is sent is empty."""


class _Stream:
    """An upload that runs in a thread, fed chunk by chunk. Few chunks wait at once, so memory stays flat."""

    def __init__(self, upload: Callable[[Iterator[bytes]], ObjectInfo]) -> None:
        self._chunks: queue.Queue[bytes | _GivenUp] = queue.Queue(maxsize=1)
        self._done: Future[ObjectInfo] = Future()
        threading.Thread(target=self._run, args=(upload,), name="cloudlayer-upload", daemon=True).start()

    def send(self, chunk: bytes) -> None:
        """Hand a chunk over. The upload's own error if it has failed."""
        if chunk:
            self._hand_over(chunk)

    def end(self) -> ObjectInfo:
        """Say that there is no more, and wait until the object is there."""
        self._hand_over(_END)
        return self._done.result()

    def give_up(self) -> None:
        """End the upload without an object."""
        if not self._done.done():
            self._hand_over(_GivenUp())
        self._done.exception()

    def _hand_over(self, item: bytes | _GivenUp) -> None:
        while True:
            if self._done.done():
                self._done.result()
            try:
                return self._chunks.put(item, timeout=1)
            except queue.Full:
                continue

    def _run(self, upload: Callable[[Iterator[bytes]], ObjectInfo]) -> None:
        try:
            self._done.set_result(upload(self._pieces()))
        except BaseException as error:
            self._done.set_exception(error)

    def _pieces(self) -> Iterator[bytes]:
        while (chunk := self._chunks.get()) is not _END:
            if isinstance(chunk, _GivenUp):
                raise chunk
            yield chunk
