"""What reading promises: all of the object, or exactly the range that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from cloudlayer.errors import IntegrityError, InvalidSpec, NotFound
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.store import Store
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.objects.base import Damage, Given, ObjectPromises, keys, pattern, same
from cloudlayer.testing.skips import need
from cloudlayer.units import MIB

TEN: Final = b"0123456789"
RANGES: Final = [
    (0, 1, b"0"),
    (3, 7, b"3456"),
    (0, 10, TEN),
    (9, 10, b"9"),
    (4, None, b"456789"),
    (None, 4, b"0123"),
    (7, 1_000, b"789"),
    (-3, None, b"789"),
    (-10, None, TEN),
    (-1_000, None, TEN),
]
NO_RANGES: Final = [(10, None), (10, 20), (5, 5), (7, 3), (0, 0)]


class ReadingPromises(ObjectPromises):
    """Of stores that can be written to, and of those that cannot."""

    @pytest.mark.parametrize("size", [0, 1, 1024, 3 * MIB + 1])
    def test_a_get_gives_the_bytes_that_were_put(self, store: Store, given: Given, size: int) -> None:
        """Of an empty object none."""
        data = pattern(size)
        same(store.get(given("whole.bin", data)), data)

    @pytest.mark.parametrize(("start", "end", "expected"), RANGES)
    def test_a_range_is_exact(self, store: Store, given: Given, start: int | None, end: int | None, expected: bytes) -> None:
        """From `start` up to `end`, cut where the object ends; a negative start counts from there."""
        key = given("ten", TEN)
        same(store.get(key, start=start, end=end), expected)
        same(b"".join(store.open(key, start=start, end=end)), expected)

    @pytest.mark.parametrize(("start", "end"), NO_RANGES)
    def test_a_range_of_nothing_is_refused(self, store: Store, given: Given, start: int, end: int | None) -> None:
        """So is one that starts where the object has ended."""
        key = given("ten", TEN)
        with pytest.raises(InvalidSpec):
            store.get(key, start=start, end=end)
        with pytest.raises(InvalidSpec):
            b"".join(store.open(key, start=start, end=end))

    def test_a_stream_gives_the_bytes_in_order(self, store: Store, given: Given) -> None:
        """In more than one piece if the object is large, and with what is known of it."""
        data = pattern(6 * MIB + 5)
        key = given("stream.bin", data)
        reader = store.open(key)
        pieces = list(reader)
        same(b"".join(pieces), data)
        assert len(pieces) > 1
        assert (reader.info.key, reader.info.size) == (key, len(data))

    def test_a_stream_that_is_not_read_to_its_end_is_closed(self, store: Store, given: Given) -> None:
        """And the store is of use as before, however often that happens."""
        data = pattern(2 * MIB)
        key = given("stream.bin", data)
        for _ in range(40):
            reader = store.open(key)
            assert data.startswith(next(iter(reader)))
            reader.close()
        same(store.get(key), data)

    def test_an_empty_object_is_streamed(self, store: Store, given: Given) -> None:
        """As no bytes."""
        reader = store.open(given("empty", b""))
        assert b"".join(reader) == b""
        assert reader.info.size == 0

    def test_head_tells_size_and_time(self, store: Store, given: Given) -> None:
        """The time with its zone."""
        key = given("ten", TEN)
        info = store.head(key)
        assert (info.key, info.size) == (key, 10)
        assert info.modified is not None
        assert abs(info.modified - datetime.now(UTC)) < timedelta(minutes=5)

    def test_what_is_not_there_is_not_found(self, store: Store, given: Given, prefix: str) -> None:
        """Neither by get, nor by a range, a stream or head; the error says whose it is."""
        given("there", b"1")
        calls: list[Callable[[str], object]] = [
            store.get,
            lambda key: store.get(key, start=1, end=2),
            lambda key: b"".join(store.open(key)),
            store.head,
        ]
        for call in calls:
            with pytest.raises(NotFound) as caught:
                call(f"{prefix}absent")
            assert caught.value.provider == store.uri
            assert "absent" in str(caught.value)

    def test_a_folder_is_no_object(self, store: Store, given: Given, prefix: str) -> None:
        """With or without its "/"."""
        given("folder/name", b"1")
        for key in (f"{prefix}folder", f"{prefix}folder/"):
            for call in (store.head, store.get):
                with pytest.raises((NotFound, InvalidSpec) if key.endswith("/") else NotFound):
                    call(key)

    def test_the_checksum_is_told(self, store: Store, given: Given) -> None:
        """By head and by a stream, where it is kept beside the object, so that the bytes can be held against it."""
        need(store, "checked_get", "metadata")
        key = given("ten", TEN)
        assert store.head(key).crc32c == store.open(key).info.crc32c == crc32c(TEN)

    @proves("checked_get")
    def test_an_object_that_was_damaged_in_the_store_is_told(self, store: Store, given: Given, damage: Damage) -> None:
        """By a get and by a stream of the whole, and never handed on as if it were good."""
        need(store, "checked_get")
        key = given("ten", TEN)
        assert store.get(key) == TEN
        damage(key)
        with pytest.raises(IntegrityError) as caught:
            store.get(key)
        assert caught.value.provider == store.uri
        with pytest.raises(IntegrityError):
            b"".join(store.open(key))

    @proves("list")
    def test_what_was_put_is_listed(self, store: Store, given: Given, prefix: str) -> None:
        """With its size."""
        need(store, "list")
        key = given("folder/ten", TEN)
        assert keys(store.list(prefix)) == [key]
        assert [item.size for page in store.list(prefix) for item in page.objects] == [10]
