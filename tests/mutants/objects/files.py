"""Stores by which files and directories cannot keep what they promise."""

from cloudlayer.storage.objects import PLAIN
from tests.mutants.objects.base import Wrapped, breaks
from tests.mutants.objects.parts import uploads
from tests.mutants.objects.reading import ReadsOtherwise
from tests.mutants.objects.world import WorldStore


@breaks("a_file_is_read")
class StreamsSpaces(ReadsOtherwise):
    def pieces(self, pieces):
        return [piece.replace(b" ", b"") for piece in pieces]


@breaks("a_file_is_fetched_whole_or_not_at_all", "a_file_is_moved_across_stores")
class LosesTheEnd(WorldStore):
    def get(self, key, **asked):
        return super().get(key, **asked)[:-1]

    def open(self, key, **asked):
        return ReadsOtherwise.open.__get__(self)(key, **asked)

    def pieces(self, pieces):
        return [*pieces[:-1], pieces[-1][:-1]]


@breaks("a_file_is_written")
class PutsAscii(WorldStore):
    def put(self, key, data, options=PLAIN):
        return super().put(key, bytes(data).decode("ascii", "replace").encode(), options)


class SwapsParts(Wrapped):
    def complete(self, *, size, crc32c):
        parts = self.store.inner._bucket.uploads[self.id].parts
        parts[1], parts[2] = parts[2], parts[1]
        whole = b"".join(data for _, (data, _) in sorted(parts.items()))
        self.inner.abort()
        return self.store.inner.put(self.key, whole)


breaks("a_file_is_sent_and_streamed")(uploads(SwapsParts))


class CompletesWhatIsAborted(Wrapped):
    def abort(self):
        parts = self.store.inner._bucket.uploads.get(self.id)
        if parts is not None:
            self.store.inner.put(self.key, b"".join(data for _, (data, _) in sorted(parts.parts.items())))
        self.inner.abort()


breaks("a_stream_that_breaks_off_makes_no_file")(uploads(CompletesWhatIsAborted))
