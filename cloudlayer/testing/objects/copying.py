"""What a copy within a store promises: the same bytes, with all that is kept beside them."""

from __future__ import annotations

import pytest

from cloudlayer.errors import AlreadyExists, Changed, NotFound
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import PutOptions
from cloudlayer.storage.store import Store
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.objects.base import ObjectPromises, keys, pattern, same
from cloudlayer.testing.skips import need
from cloudlayer.units import MIB


class CopyingPromises(ObjectPromises):
    """Of every store that can be written to."""

    def test_a_copy_has_the_same_bytes(self, store: Store, place: str) -> None:
        """And replaces what was there; the original stays."""
        data = pattern(2 * MIB)
        store.put(f"{place}original", data)
        store.put(f"{place}folder/copy", b"old")
        told = store.copy(f"{place}original", f"{place}folder/copy")
        assert (told.key, told.size) == (f"{place}folder/copy", len(data))
        for name in ("folder/copy", "original"):
            same(store.get(f"{place}{name}"), data)

    def test_metadata_and_content_type_are_copied(self, store: Store, place: str) -> None:
        """And the checksum with them."""
        need(store, "metadata", "content_type")
        store.put(f"{place}original", b"1", PutOptions(metadata={"kept": "yes"}, content_type="text/x-kept"))
        store.copy(f"{place}original", f"{place}copy")
        found = store.head(f"{place}copy")
        assert (found.metadata, found.content_type) == ({"kept": "yes"}, "text/x-kept")
        if store.capabilities["checked_get"]:
            assert found.crc32c == crc32c(b"1")

    def test_a_copy_onto_itself_changes_nothing(self, store: Store, place: str) -> None:
        """And is no error."""
        options = PutOptions(metadata={"kept": "yes"}) if store.capabilities["metadata"] else PutOptions()
        store.put(f"{place}original", b"1", options)
        before = store.head(f"{place}original")
        told = store.copy(f"{place}original", f"{place}original")
        assert (told.key, told.size) == (before.key, before.size)
        after = store.head(f"{place}original")
        assert store.get(f"{place}original") == b"1"
        assert (after.size, after.metadata, after.content_type) == (before.size, before.metadata, before.content_type)

    def test_a_copy_of_what_is_not_there_is_not_found(self, store: Store, place: str) -> None:
        """Onto itself too, and what was at the target stays."""
        store.put(f"{place}target", b"old")
        for target in ("target", "new", "absent"):
            with pytest.raises(NotFound):
                store.copy(f"{place}absent", place + target)
        assert store.get(f"{place}target") == b"old"
        assert keys(store.list(place)) == [f"{place}target"]

    def test_a_copy_may_be_refused_where_an_object_is(self, store: Store, place: str) -> None:
        """As a put may."""
        need(store, "create_if_absent")
        store.put(f"{place}original", b"1")
        store.copy(f"{place}original", f"{place}copy", PutOptions(if_absent=True))
        store.put(f"{place}original", b"2")
        with pytest.raises(AlreadyExists):
            store.copy(f"{place}original", f"{place}copy", PutOptions(if_absent=True))
        assert store.get(f"{place}copy") == b"1"

    def test_a_copy_is_of_the_object_that_was_seen(self, store: Store, place: str) -> None:
        """Or of none, where its etag was told to the copy, and it was written over since."""
        old = store.put(f"{place}original", b"1").etag
        new = store.put(f"{place}original", b"2").etag
        for target in ("copy", "original"):
            with pytest.raises(Changed):
                store.copy(f"{place}original", place + target, if_match=old)
        assert keys(store.list(place)) == [f"{place}original"]
        store.copy(f"{place}original", f"{place}copy", if_match=new)
        assert store.get(f"{place}copy") == b"2"

    @proves("server_copy")
    def test_the_store_copies_by_itself(self, store: Store, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without reading the object, or putting it, through this process."""
        need(store, "server_copy")
        store.put(f"{place}original", pattern(MIB))
        with monkeypatch.context() as patched:
            for verb in ("get", "open", "put", "upload"):
                patched.setattr(store, verb, _never)
            store.copy(f"{place}original", f"{place}copy")
        same(store.get(f"{place}copy"), pattern(MIB))


def _never(*_: object, **__: object) -> None:
    raise AssertionError("the bytes went through this process")
