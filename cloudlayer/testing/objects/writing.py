"""What writing promises: the object is there as it was put, all of it or none, and goes when it is deleted."""

from __future__ import annotations

from threading import Event
from typing import Final

import pytest

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.storage.checksums import METADATA, crc32c
from cloudlayer.storage.objects import PutOptions
from cloudlayer.storage.store import Store
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.objects.base import THREADS, ObjectPromises, at_once, keys, pattern, same
from cloudlayer.testing.skips import need
from cloudlayer.units import KIB, MIB

ODD_VALUES: Final = {"a": "", "with-hyphens": "a=b; c,d", "digits-1": "0", "quotes": '"it\'s" <b>&amp;</b>', "long": "x" * 256}
NO_METADATA: Final = [
    {"Capital": "1"},
    {"under_score": "1"},
    {"": "1"},
    {"space ": "1"},
    {"line": "a\r\nx-evil: 1"},
    {"umlaut": "ü"},
    {METADATA: "AAAAAA=="},
]


class WritingPromises(ObjectPromises):
    """Of stores that can be written to; the others are held to saying so."""

    @proves("put")
    def test_put_tells_what_head_tells(self, store: Store, place: str) -> None:
        """Key, size, etag, and the checksum where it is kept."""
        key = f"{place}folder that was not there/name.bin"
        put, found = store.put(key, b"some bytes"), store.head(key)
        assert (put.key, put.size) == (found.key, found.size) == (key, 10)
        if store.capabilities["compare_and_swap"]:
            assert put.etag is not None
        assert put.etag in (None, found.etag)
        if store.capabilities["metadata"] and store.capabilities["checked_get"]:
            assert put.crc32c == found.crc32c == crc32c(b"some bytes")

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_bytes_of_every_kind_are_put(self, store: Store, place: str, kind: type[bytes]) -> None:
        """Without a change to them."""
        data = kind(pattern(2 * KIB))
        store.put(f"{place}kind", data)
        assert store.get(f"{place}kind") == bytes(data) == pattern(2 * KIB)

    def test_a_put_replaces_what_was_there(self, store: Store, place: str) -> None:
        """Though it is shorter, and though it is empty; the etag is another one each time."""
        key, etags = f"{place}name", []
        for data in (pattern(3 * KIB), b"short", b"", b"short"):
            store.put(key, data)
            same(store.get(key), data)
            etags.append(store.head(key).etag)
        if store.capabilities["compare_and_swap"]:
            assert len({*etags[:3]}) == 3

    @proves("atomic_put")
    def test_readers_see_one_object_or_the_other(self, store: Store, another: Store, place: str) -> None:
        """Whole, whatever is put meanwhile."""
        need(store, "atomic_put")
        key = f"{place}changing"
        whole = {bytes([letter]) * (64 * KIB) for letter in b"ab"}
        store.put(key, next(iter(whole)))
        done, seen = Event(), set[bytes]()

        def read(_: int) -> None:
            while not done.is_set():
                seen.add(store.get(key))

        def act(number: int) -> None:
            if number:
                return read(number)
            try:
                for data in [*whole] * 15:
                    another.put(key, data)
            finally:
                done.set()

        assert [error for error in at_once(act, range(4)) if error is not None] == []
        assert seen <= whole

    @proves("content_type")
    @pytest.mark.parametrize("kind", ["text/csv; charset=utf-8", "application/x-no-such-thing"])
    def test_a_content_type_is_kept(self, store: Store, place: str, kind: str) -> None:
        """As it was given."""
        need(store, "content_type")
        store.put(f"{place}typed", b"1", PutOptions(content_type=kind))
        assert store.head(f"{place}typed").content_type == kind
        assert store.open(f"{place}typed").info.content_type == kind

    @proves("metadata")
    def test_metadata_are_kept(self, store: Store, place: str) -> None:
        """With odd values, and without any that the user has not given."""
        need(store, "metadata")
        put = store.put(f"{place}described", b"1", PutOptions(metadata=ODD_VALUES))
        assert put.metadata == store.head(f"{place}described").metadata == ODD_VALUES
        assert store.open(f"{place}described").info.metadata == ODD_VALUES

    def test_a_put_replaces_metadata_and_content_type_too(self, store: Store, place: str) -> None:
        """Those of the old object are gone."""
        need(store, "metadata", "content_type")
        key = f"{place}described"
        store.put(key, b"1", PutOptions(metadata={"old": "1", "both": "1"}, content_type="text/x-old"))
        store.put(key, b"2", PutOptions(metadata={"both": "2"}))
        found = store.head(key)
        assert found.metadata == {"both": "2"}
        assert found.content_type != "text/x-old"

    @pytest.mark.parametrize("metadata", NO_METADATA, ids=[*map(repr, map(list, NO_METADATA))])
    def test_metadata_that_not_every_store_keeps_are_refused(self, store: Store, place: str, metadata: dict[str, str]) -> None:
        """Before anything is put: they would come back changed, or not at all."""
        need(store, "metadata")
        with pytest.raises(InvalidSpec):
            store.put(f"{place}refused", b"1", PutOptions(metadata=metadata))
        with pytest.raises(NotFound):
            store.head(f"{place}refused")

    def test_what_is_deleted_is_gone(self, store: Store, place: str) -> None:
        """That object alone; deleting it again is no error."""
        for name in ("one", "one more"):
            store.put(place + name, b"1")
        for _ in range(2):
            store.delete(f"{place}one")
            with pytest.raises(NotFound):
                store.head(f"{place}one")
        store.delete(f"{place}never/there")
        assert store.get(f"{place}one more") == b"1"

    def test_many_are_put_listed_and_deleted(self, store: Store, place: str) -> None:
        """However many go into a page or a request: a list is whole, each once, and delete_many leaves none but the others."""
        names = [f"{place}many/{number:05d}" for number in range(self.many)]
        at_once(lambda key: store.put(key, b"1"), names)
        store.put(f"{place}many-others", b"1")
        assert sorted(keys(store.list(f"{place}many/"))) == names
        if store.capabilities["list_after"]:
            last = self.many * 4 // 5
            assert sorted(keys(store.list(f"{place}many/", after=names[last]))) == names[last + 1 :]
        assert store.delete_many([*names, f"{place}many/absent"]) == {}
        assert keys(store.list(place)) == [f"{place}many-others"]

    def test_deleting_none_is_no_error(self, store: Store, place: str) -> None:
        """And deletes none."""
        store.put(f"{place}kept", b"1")
        assert store.delete_many([]) == {}
        assert keys(store.list(place)) == [f"{place}kept"]

    @proves("no_empty_folders")
    def test_a_folder_goes_with_its_last_object(self, store: Store, place: str) -> None:
        """And a name that was a folder's may then be an object's."""
        need(store, "no_empty_folders")
        store.put(f"{place}folder/inner/name", b"1")
        store.delete(f"{place}folder/inner/name")
        assert [folder for page in store.list(place, shallow=True) for folder in page.folders] == []
        store.put(f"{place}folder", b"2")
        assert store.get(f"{place}folder") == b"2"

    def test_a_large_object_is_put_in_one_piece(self, store: Store, place: str) -> None:
        """As large as goes without parts."""
        data = pattern(8 * MIB)
        store.put(f"{place}large", data)
        assert store.head(f"{place}large").size == len(data)
        assert crc32c(store.get(f"{place}large")) == crc32c(data)

    def test_many_threads_put_and_get(self, store: Store, place: str) -> None:
        """Each its own, through one store."""

        def there_and_back(number: int) -> None:
            data = f"object {number} ".encode() * 500
            for _ in range(3):
                store.put(f"{place}{number}", data)
                same(store.get(f"{place}{number}"), data)
                assert store.head(f"{place}{number}").size == len(data)

        assert [error for error in at_once(there_and_back, range(THREADS)) if error is not None] == []
