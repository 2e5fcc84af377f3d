"""Mutants that break what reading and asking promise."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from cloudlayer.errors import NotFound
from cloudlayer.storage.checksums import crc32c
from tests.mutants.objects.base import Wrapped, breaks
from tests.mutants.objects.world import WorldStore


class Pieces(Wrapped):
    """A reader that gives other pieces."""

    def __init__(self, inner, change):
        super().__init__(inner)
        self.__dict__["change"] = change

    def __iter__(self):
        return iter(self.change(list(self.inner)))


class ReadsOtherwise(WorldStore):
    """Gives other pieces than the object has."""

    def pieces(self, pieces):
        return pieces

    def open(self, key, **asked):
        return Pieces(super().open(key, **asked), self.pieces)


@breaks("a_get_gives_the_bytes_that_were_put")
class ForgetsTheLastByte(WorldStore):
    def get(self, key, **asked):
        found = super().get(key, **asked)
        return found[:-1] if len(found) > 2**20 else found


@breaks("a_range_is_exact")
class EndsWithTheEnd(WorldStore):
    def get(self, key, *, start=None, end=None, if_match=None):
        return super().get(key, start=start, end=None if end is None else end + 1, if_match=if_match)


@breaks("a_range_is_exact")
class StreamsFromTheStart(WorldStore):
    def open(self, key, *, start=None, end=None, if_match=None):
        return super().open(key, if_match=if_match)


@breaks("a_range_is_exact")
class CountsFromTheStart(WorldStore):
    def get(self, key, *, start=None, end=None, if_match=None):
        return super().get(key, start=None if start is None else abs(start) % 10, end=end, if_match=if_match)


@breaks("a_range_of_nothing_is_refused")
class GivesNothing(WorldStore):
    def get(self, key, *, start=None, end=None, if_match=None):
        whole = super().get(key, if_match=if_match)
        return whole[slice(start, end)]


@breaks("a_stream_gives_the_bytes_in_order")
class StreamsBackwards(ReadsOtherwise):
    def pieces(self, pieces):
        return pieces[::-1]


@breaks("a_stream_gives_the_bytes_in_order")
class StreamsInOnePiece(ReadsOtherwise):
    def pieces(self, pieces):
        return [b"".join(pieces)]


@breaks("a_stream_that_is_not_read_to_its_end_is_closed")
class KeepsConnections(WorldStore):
    left = 20

    def open(self, key, **asked):
        type(self).left -= 1
        if self.left < 0:
            raise TimeoutError("no connection is free")
        return super().open(key, **asked)


@breaks("an_empty_object_is_streamed", "a_stream_that_was_empty_is_an_empty_object")
class HasNothingEmpty(WorldStore):
    def absent(self, key):
        if super().head(key).size == 0:
            raise NotFound(f"{key} is empty", provider=self.uri)

    def get(self, key, **asked):
        self.absent(key)
        return super().get(key, **asked)

    def open(self, key, **asked):
        self.absent(key)
        return super().open(key, **asked)


@breaks("head_tells_size_and_time")
class TellsItsOwnTime(WorldStore):
    def head(self, key):
        found = super().head(key)
        return replace(found, modified=found.modified + timedelta(hours=2))


@breaks("head_tells_size_and_time")
class TellsTimeWithoutZone(WorldStore):
    def head(self, key):
        found = super().head(key)
        return replace(found, modified=None)


@breaks("what_is_not_there_is_not_found", "a_file_that_is_not_there", "tags_of_what_is_not_there_are_not_found")
class FindsEverything(WorldStore):
    def get(self, key, **asked):
        try:
            return super().get(key, **asked)
        except NotFound:
            return b""

    def tags(self, key):
        try:
            return super().tags(key)
        except NotFound:
            return {}


@breaks("what_is_not_there_is_not_found")
class SaysNotWhose(WorldStore):
    def head(self, key):
        try:
            return super().head(key)
        except NotFound as error:
            raise NotFound(error.message) from None


@breaks("a_folder_is_no_object")
class HasFolders(WorldStore):
    def head(self, key):
        try:
            return super().head(key)
        except NotFound:
            inside = [item for page in self.list(f"{key.rstrip('/')}/") for item in page.objects]
            if not inside:
                raise
            return replace(inside[0], key=key, size=0)


@breaks("the_checksum_is_told")
class TellsNoSum(WorldStore):
    def head(self, key):
        return replace(super().head(key), crc32c=None)


@breaks("an_object_that_was_damaged_in_the_store_is_told")
class ChecksNothing(WorldStore):
    def get(self, key, **asked):
        return self.inner._bucket.objects[key].data


@breaks("an_object_that_was_damaged_in_the_store_is_told")
class ChecksNoStream(WorldStore):
    def open(self, key, **asked):
        kept = self.inner._bucket.objects[key]
        self.inner._bucket.objects[key] = replace(kept, info=replace(kept.info, crc32c=crc32c(kept.data)))
        return super().open(key, **asked)


@breaks("what_was_put_is_listed")
class ListsNoSize(WorldStore):
    def list(self, prefix="", **asked):
        for page in super().list(prefix, **asked):
            yield replace(page, objects=tuple(replace(item, size=0) for item in page.objects))


@breaks("reading_is_the_same")
class ReadsRangesAloneWhenItWaits(WorldStore):
    async def get_async(self, key, **asked):
        return await asyncio.to_thread(self.get, key)


@breaks("reading_is_the_same")
class FindsWhatIsNotThereLater(WorldStore):
    async def head_async(self, key):
        try:
            return await super().head_async(key)
        except NotFound:
            return None


@breaks("writing_is_the_same")
class PutsPlainly(WorldStore):
    async def put_async(self, key, data, options=None):
        return await asyncio.to_thread(self.put, key, data)


@breaks("writing_is_the_same")
class DeletesLater(WorldStore):
    async def delete_async(self, key, *, if_match=None):
        """Not today."""


@breaks("many_calls_go_on_at_once")
class HoldsUpTheLoop(WorldStore):
    async def get_async(self, key, **asked):
        time.sleep(0.01)
        return self.get(key, **asked)


@breaks("files_are_the_same")
class ListsNothingLater(WorldStore):
    async def list_async(self, prefix="", **asked):
        for page in ():
            yield page


@breaks("files_are_the_same")
class PutsNothingLater(WorldStore):
    async def put_async(self, key, data, options=None):
        return await asyncio.to_thread(self.put, key, b"")
