"""What an upload in parts promises: the object is there when it is completed, whole, and not a moment before."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cloudlayer.errors import IntegrityError, NotFound
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import PLAIN, ObjectInfo, PutOptions
from cloudlayer.storage.store import Store, Upload
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.objects.base import ObjectPromises, at_once, keys, pattern, same
from cloudlayer.testing.skips import need
from cloudlayer.units import MIB


class PartPromises(ObjectPromises):
    """Of every store that can be written to."""

    size: int = 12 * MIB + 1
    """Of the objects: of more than one part, the last one short."""

    def test_an_object_is_made_of_its_parts(self, store: Store, place: str) -> None:
        """It is not there, and not in a list, until they are completed; complete tells what head tells."""
        key, data = f"{place}folder/large", pattern(self.size)
        upload = store.upload(key, size=len(data))
        for number, part in cut(data, upload).items():
            upload.part(number, part)
        with pytest.raises(NotFound):
            store.head(key)
        assert keys(store.list(place)) == []
        told = upload.complete(size=len(data), crc32c=crc32c(data))
        found = store.head(key)
        assert (told.key, told.size) == (found.key, found.size) == (key, len(data))
        assert told.etag in (None, found.etag)
        same(store.get(key), data)
        assert keys(store.list(place)) == [key]

    @proves("parallel_parts")
    def test_parts_may_come_at_once_and_in_any_order(self, store: Store, place: str) -> None:
        """From many threads, the last one first, of a size that was not told."""
        need(store, "parallel_parts")
        key, data = f"{place}large", pattern(self.size)
        upload = store.upload(key)
        parts = cut(data, upload)
        ended = at_once(lambda number: upload.part(number, parts[number]), sorted(parts, reverse=True))
        assert [error for error in ended if error is not None] == []
        upload.complete(size=len(data), crc32c=crc32c(data))
        same(store.get(key), data)

    def test_a_stream_that_was_empty_is_an_empty_object(self, store: Store, place: str) -> None:
        """Of one empty part."""
        upload = store.upload(f"{place}empty")
        upload.part(1, b"")
        upload.complete(size=0, crc32c=0)
        assert store.get(f"{place}empty") == b""

    def test_an_upload_replaces_what_was_there_when_it_is_completed(self, store: Store, place: str) -> None:
        """Until then the old object is read."""
        key, data = f"{place}large", pattern(self.size)
        store.put(key, b"old")
        upload = store.upload(key, size=len(data))
        for number, part in cut(data, upload).items():
            upload.part(number, part)
            assert store.get(key) == b"old"
        upload.complete(size=len(data), crc32c=crc32c(data))
        same(store.get(key), data)

    def test_an_upload_has_content_type_and_metadata(self, store: Store, place: str) -> None:
        """As a put has, and its checksum."""
        need(store, "metadata", "content_type")
        options = PutOptions(metadata={"kept": "yes"}, content_type="text/x-kept")
        uploaded(store, f"{place}large", pattern(self.size), options)
        found = store.head(f"{place}large")
        assert (found.metadata, found.content_type) == ({"kept": "yes"}, "text/x-kept")
        if store.capabilities["checked_get"]:
            assert found.crc32c == crc32c(pattern(self.size))

    @pytest.mark.parametrize("wrong", ["size", "crc32c"])
    def test_an_upload_whose_sum_is_another_makes_no_object(self, store: Store, place: str, wrong: str) -> None:
        """Nor one whose size is: the old object stays."""
        key, data = f"{place}large", pattern(self.size)
        store.put(key, b"old")
        upload = store.upload(key, size=len(data))
        for number, part in cut(data, upload).items():
            upload.part(number, part)
        said = {"size": len(data), "crc32c": crc32c(data)}
        with pytest.raises(IntegrityError):
            upload.complete(**{**said, wrong: said[wrong] ^ 1})
        upload.abort()
        assert store.get(key) == b"old"
        assert keys(store.list(place)) == [key]

    def test_an_upload_that_is_aborted_leaves_nothing(self, store: Store, place: str) -> None:
        """It cannot be completed any more; aborting twice, or what is completed, is no error and undoes nothing."""
        key, data = f"{place}large", pattern(self.size)
        upload = store.upload(key, size=len(data))
        for number, part in cut(data, upload).items():
            upload.part(number, part)
        upload.abort()
        upload.abort()
        with pytest.raises(NotFound):
            upload.complete(size=len(data), crc32c=crc32c(data))
        assert keys(store.list(place)) == []
        if store.capabilities["uploads"]:
            assert list(store.uploads(place)) == []
        completed = store.upload(key, size=1)
        completed.part(1, b"1")
        completed.complete(size=1, crc32c=crc32c(b"1"))
        completed.abort()
        assert store.get(key) == b"1"

    @proves("resume")
    def test_an_upload_is_resumed_by_somebody_else(self, store: Store, another: Store, place: str) -> None:
        """With the parts that had arrived, and their sums; what was there is not sent again."""
        need(store, "resume")
        key, data = f"{place}large", pattern(self.size)
        broken = store.upload(key, size=len(data))
        parts = cut(data, broken)
        assert len(parts) > 1
        broken.part(1, parts[1])
        resumed = another.upload(key, size=len(data), resume=broken.id)
        assert (resumed.id, resumed.part_size) == (broken.id, broken.part_size)
        assert dict(resumed.have()) == {1: crc32c(parts[1])}
        for number in parts.keys() - {1}:
            resumed.part(number, parts[number])
        resumed.complete(size=len(data), crc32c=crc32c(data))
        same(store.get(key), data)

    def test_an_upload_that_is_gone_cannot_be_resumed(self, store: Store, place: str) -> None:
        """Nor one that was never there. Where the store has no `uploads`, it alone throws away what an aborted one has left."""
        need(store, "resume")
        upload = store.upload(f"{place}large", size=self.size)
        upload.part(1, pattern(self.size)[: upload.part_size])
        upload.abort()
        gone = [upload.id[::-1]] + [upload.id] * bool(store.capabilities["uploads"])
        for identity in gone:
            with pytest.raises(NotFound):
                store.upload(f"{place}large", size=self.size, resume=identity)

    @proves("uploads")
    def test_uploads_that_were_left_are_told_and_discarded(self, store: Store, another: Store, place: str) -> None:
        """Those under the prefix; discarding one twice is no error, and it can then not be completed."""
        need(store, "uploads")
        data = pattern(self.size)
        left = {key: store.upload(key, size=self.size) for key in (f"{place}one/large", f"{place}two/large")}
        for upload in left.values():
            for number, part in cut(data, upload).items():
                upload.part(number, part)
        assert sorted(found.key for found in another.uploads(place)) == sorted(left)
        found = list(another.uploads(f"{place}one/"))
        assert [(one.key, one.id) for one in found] == [(f"{place}one/large", left[f"{place}one/large"].id)]
        for one in [*found, *found]:
            another.discard(one)
        assert [one.key for one in another.uploads(place)] == [f"{place}two/large"]
        with pytest.raises(NotFound):
            left[f"{place}one/large"].complete(size=len(data), crc32c=crc32c(data))
        assert keys(store.list(place)) == []

    def test_two_uploads_of_one_key_do_not_mix(self, store: Store, another: Store, place: str) -> None:
        """The object is the one that was completed last. Where the store has no `uploads`, the second may be gone by then."""
        key = f"{place}large"
        first, second = pattern(self.size), pattern(self.size)[::-1]
        one, two = store.upload(key, size=self.size), another.upload(key, size=self.size)
        for upload, data in ((one, first), (two, second)):
            for number, part in cut(data, upload).items():
                upload.part(number, part)
        one.complete(size=self.size, crc32c=crc32c(first))
        same(store.get(key), first)
        last = second
        try:
            two.complete(size=self.size, crc32c=crc32c(second))
        except NotFound:
            assert not store.capabilities["uploads"]
            last = first
        same(store.get(key), last)


def cut(data: bytes, upload: Upload) -> Mapping[int, bytes]:
    """The parts of an object, by number."""
    size = upload.part_size
    return {number + 1: data[number * size : (number + 1) * size] for number in range(-(-len(data) // size))}


def uploaded(store: Store, key: str, data: bytes, options: PutOptions = PLAIN) -> ObjectInfo:
    """The object, made of parts."""
    upload = store.upload(key, options, size=len(data))
    for number, part in cut(data, upload).items():
        upload.part(number, part)
    return upload.complete(size=len(data), crc32c=crc32c(data))
