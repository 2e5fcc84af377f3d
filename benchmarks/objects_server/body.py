"""Bodies whose length is told piece by piece: HTTP's chunks, and the `aws-chunked` encoding of S3's clients."""

from __future__ import annotations

from benchmarks.objects_server.messages import S3Error


class Chunks:
    """Undoes one layer of chunks. `done` once the last one was read; `rest` is what came after it, `trailers` its headers."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.rest = bytearray()
        self.trailers: dict[str, str] = {}
        self.done = False
        self._left = 0
        """Bytes of the current chunk, with the line end after it, that are still to come."""
        self._last = False

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """Take what has arrived."""
        self.rest += piece
        while not self.done and self._step():
            pass

    def _step(self) -> bool:
        if self._last:
            return self._trailer()
        if self._left:
            return self._content()
        end = self.rest.find(b"\r\n")
        if end < 0:
            return False
        try:
            size = int(self.rest[:end].partition(b";")[0], 16)
        except ValueError:
            raise S3Error(400, "IncompleteBody", "a chunk's length is no number") from None
        del self.rest[: end + 2]
        self._last, self._left = size == 0, size + 2 if size else 0
        return True

    def _content(self) -> bool:
        """A piece of the chunk; the two bytes of its line end are not kept."""
        if not self.rest:
            return False
        with memoryview(self.rest) as view:
            self.data += view[: max(0, self._left - 2)]
        taken = min(self._left, len(self.rest))
        del self.rest[:taken]
        self._left -= taken
        return True

    def _trailer(self) -> bool:
        end = self.rest.find(b"\r\n")
        if end < 0:
            return False
        name, _, value = self.rest[:end].decode("latin-1").partition(":")
        del self.rest[: end + 2]
        if name:
            self.trailers[name.strip().lower()] = value.strip()
        self.done = not name
        return True


def decoded(body: bytes | bytearray | memoryview, headers: dict[str, str]) -> bytearray:
    """An `aws-chunked` body as it was meant; the headers after it are put among the others."""
    chunks = Chunks()
    chunks.feed(body)
    if not chunks.done and not chunks.rest:
        chunks.feed(b"\r\n")  # some clients leave out the empty line after the trailers
    length = headers.get("x-amz-decoded-content-length")
    if not chunks.done or (length and int(length) != len(chunks.data)):
        raise S3Error(400, "IncompleteBody", "the body's chunks are not whole")
    headers.update(chunks.trailers)
    return chunks.data
