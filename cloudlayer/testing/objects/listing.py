"""What lists promise: every object under a prefix, once, and in order where the store has one."""

from __future__ import annotations

import pytest

from cloudlayer.storage.store import Store
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.objects.base import ObjectPromises, at_once, folders, keys
from cloudlayer.testing.skips import need

NAMES = (
    *("a", "a b", "a!", "a-b", "a.txt", "ab", "B", "Z", "a0", "z", "ä", "é", "€", "日本", "😀", "\ufffd", "a~"),
    *("deep/1/x", "deep/1/y", "deep/2", "deep-er", "deep.d/1", "deep/10"),
)
"""Their order by bytes, by code units and by an alphabet are three different ones."""


class ListingPromises(ObjectPromises):
    """Of stores with `list` that can be written to."""

    @pytest.fixture
    def names(self, store: Store, place: str) -> list[str]:
        """Keys that are there, in the order of their bytes."""
        need(store, "list")
        apart = NAMES if store.capabilities["case_sensitive"] else {name.lower(): name for name in NAMES}.values()
        found = sorted((place + name for name in apart), key=str.encode)
        assert [
            error for error in at_once(lambda key: store.put(key, key.encode()), found) if isinstance(error, Exception)
        ] == []
        return found

    def test_a_list_has_every_object_once(self, store: Store, place: str, names: list[str]) -> None:
        """With its size, and its etag where the list tells it: the one that head tells."""
        items = {item.key: item for page in store.list(place) for item in page.objects}
        assert sorted(items, key=str.encode) == sorted(keys(store.list(place)), key=str.encode) == names
        assert all(item.size == len(key.encode()) for key, item in items.items())
        assert all(item.etag in (None, store.head(key).etag) for key, item in [*items.items()][:3])

    @proves("ordered_list")
    def test_a_list_is_in_the_order_of_bytes(self, store: Store, place: str, names: list[str]) -> None:
        """Not of an alphabet, nor folder by folder."""
        need(store, "ordered_list")
        assert keys(store.list(place)) == names

    @pytest.mark.parametrize("start", ["a", "deep", "deep/", "deep/1", "deep/1/", "ä", "日", "ab", "a b"])
    def test_a_prefix_is_a_text(self, store: Store, place: str, names: list[str], start: str) -> None:
        """Not a folder: "a" is the start of "ab" and of "a/b"; an object with that name is in the list."""
        found = sorted(keys(store.list(place + start)), key=str.encode)
        assert found == [name for name in names if name.startswith(place + start)]

    @pytest.mark.parametrize("start", ["nothing", "nothing/", "a/", "deep/1/x/", "A"])
    def test_a_prefix_that_nothing_has_gives_nothing(self, store: Store, place: str, names: list[str], start: str) -> None:
        """Without an error."""
        assert keys(store.list(place + start)) == []
        assert folders(store.list(place + start, shallow=True)) == []

    def test_a_shallow_list_tells_folders(self, store: Store, place: str, names: list[str]) -> None:
        """Each once, whole keys with their "/" at the end, and no object that is in one of them."""
        pages = list(store.list(place, shallow=True))
        assert sorted(keys(pages), key=str.encode) == [name for name in names if "/" not in name.removeprefix(place)]
        assert sorted(folders(pages)) == sorted(f"{place}{name}" for name in ("deep/", "deep.d/"))
        assert sorted(folders(store.list(f"{place}deep", shallow=True))) == sorted(folders(pages))
        inner = list(store.list(f"{place}deep/", shallow=True))
        assert (sorted(keys(inner)), folders(inner)) == ([f"{place}deep/10", f"{place}deep/2"], [f"{place}deep/1/"])

    @proves("list_after")
    @pytest.mark.parametrize("after", ["", "a", "a b", "a-", "deep/1/x", "deep/1/zzz", "日本", "😀", "\U0010ffff"])
    def test_a_list_starts_after_a_key(self, store: Store, place: str, names: list[str], after: str) -> None:
        """Whether an object has it or not."""
        found = sorted(keys(store.list(place, after=place + after)), key=str.encode)
        assert found == [name for name in names if name.encode() > (place + after).encode()]

    def test_a_list_sees_what_was_just_put_and_not_what_was_deleted(self, store: Store, place: str) -> None:
        """At once."""
        need(store, "list")
        for _ in range(3):
            store.put(f"{place}comes", b"1")
            assert keys(store.list(place)) == [f"{place}comes"]
            store.delete(f"{place}comes")
            assert keys(store.list(place)) == []

    def test_a_list_goes_on_while_its_objects_are_deleted(self, store: Store, place: str, names: list[str]) -> None:
        """As an `rm -r` does."""
        for page in store.list(place):
            assert store.delete_many([item.key for item in page.objects]) == {}
        assert keys(store.list(place)) == []
