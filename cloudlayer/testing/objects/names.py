"""What keys promise: they are texts, taken literally, and no two of them are the same object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import pytest

from cloudlayer.errors import Conflict, InvalidSpec, NotFound
from cloudlayer.storage.client import Client
from cloudlayer.storage.store import Store
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.objects.base import ObjectPromises, folders, keys
from cloudlayer.testing.skips import lacks, need

ODD: Final = (
    *(
        "with space",
        " leading and trailing ",
        "a#b",
        "a?b=c",
        "100%",
        "%41",
        "%2F",
        "%",
        "a+b",
        "a&b",
        "a=b",
        "it's",
        'say "hi"',
    ),
    *("a;b", "a:b", "a@b", "a,b", "(a)[b]{c}", "<a>", "a|b", "a\\b", "a^b`c", "~", "$HOME", "*", "!", "...", "a..b", "-rf"),
    *("ünï/cödé", "日本語/ファイル", "😀/🚀", "ﬀ", "\u202eabc", "folder.with/dots.in/it"),
)
"""Texts that URLs, shells, XML, or file systems have another idea of."""
ALIKE: Final = ("caf\u00e9", "cafe\u0301", "a b", "a+b", "a%20b", "a%2520b", "a  b")
"""Texts that something on the way could take for each other."""
CASES: Final = ("case", "Case", "CASE", "folder/x", "Folder/x")
NO_PATHS: Final = ("a//b", "a/./b", "a/../b", "./a", "../a", "a/", "a//", "/a")
"""Texts that file systems would take for other ones."""
NO_KEYS: Final = ("x" * 1025, "é" * 513, "a\ud800b")
"""Too long, too long in bytes, and no text."""


class NamePromises(ObjectPromises):
    """Of every store that can be written to."""

    @pytest.mark.parametrize("name", ODD)
    def test_a_key_is_taken_literally(self, store: Store, client: Client, place: str, name: str) -> None:
        """Whatever is in it: by put, get, head, copy, list and delete, and in a URI."""
        key = place + name
        try:
            store.put(key, name.encode())
        except InvalidSpec:
            assert ":" in name or "\\" in name  # what some file systems keep for drives, or take for a slash
            need(store, "any_key")
            raise
        assert store.get(key) == name.encode()
        assert store.head(key).key == key
        store.copy(key, f"{key}-copy")
        assert client.file(f"{store.uri}{key}").get() == name.encode()
        assert sorted(keys(store.list(key))) == sorted([key, f"{key}-copy"])
        store.delete(key)
        assert keys(store.list(place)) == [f"{key}-copy"]
        assert store.delete_many([f"{key}-copy"]) == {}
        assert keys(store.list(place)) == []

    def test_keys_that_look_alike_are_different_objects(self, store: Store, place: str) -> None:
        """In how a letter is composed, and in what a URL would decode."""
        _all_different(store, place, ALIKE)

    @proves("case_sensitive")
    def test_keys_that_differ_in_case_are_different_objects(self, store: Store, place: str) -> None:
        """In a folder's name too."""
        need(store, "case_sensitive")
        _all_different(store, place, CASES)

    @proves("any_key")
    @pytest.mark.parametrize("name", NO_PATHS)
    def test_a_key_need_not_be_a_path(self, store: Store, place: str, name: str) -> None:
        """Empty segments, "." and ".." are kept, and so is a "/" at the end."""
        need(store, "any_key")
        key = f"{place}{name}"
        store.put(key, name.encode())
        assert store.get(key) == name.encode()
        assert keys(store.list(place)) == [key]
        store.delete(key)
        assert keys(store.list(place)) == []

    @proves("key_is_no_folder")
    def test_a_name_may_be_an_object_and_a_folder(self, store: Store, place: str) -> None:
        """In whichever order they come; both are read, listed and deleted on their own."""
        need(store, "key_is_no_folder")
        store.put(f"{place}both", b"object")
        store.put(f"{place}both/inner", b"in the folder")
        store.put(f"{place}also/inner", b"in the folder")
        store.put(f"{place}also", b"object")
        for name in ("both", "also"):
            assert (store.get(place + name), store.get(f"{place}{name}/inner")) == (b"object", b"in the folder")
        assert sorted(keys(store.list(place, shallow=True))) == [f"{place}also", f"{place}both"]
        assert sorted(folders(store.list(place, shallow=True))) == [f"{place}also/", f"{place}both/"]
        store.delete(f"{place}both")
        store.delete(f"{place}also/inner")
        assert keys(store.list(place)) == [f"{place}also", f"{place}both/inner"]

    def test_a_name_that_cannot_be_both_is_a_conflict(self, store: Store, place: str) -> None:
        """An object where a folder is, or a folder where an object is; all stays as it was."""
        lacks(store, "key_is_no_folder")
        store.put(f"{place}folder/name", b"1")
        store.put(f"{place}object", b"2")
        for key in (f"{place}folder", f"{place}object/name", f"{place}object/deep/name"):
            with pytest.raises(Conflict) as caught:
                store.put(key, b"3")
            assert type(caught.value) is Conflict
        assert store.get(f"{place}folder/name") == b"1"
        assert store.get(f"{place}object") == b"2"

    def test_an_empty_folder_name_is_listed(self, store: Store, place: str) -> None:
        """As a folder whose name is only its "/"."""
        need(store, "any_key")
        store.put(f"{place}a//b", b"1")
        assert folders(store.list(f"{place}a/", shallow=True)) == [f"{place}a//"]
        assert keys(store.list(f"{place}a//", shallow=True)) == [f"{place}a//b"]

    @pytest.mark.parametrize("name", NO_PATHS)
    def test_a_key_that_would_be_another_ones_path_is_refused(self, store: Store, place: str, name: str) -> None:
        """Before anything happens, and no other object is read, written or deleted in its place."""
        lacks(store, "any_key")
        others = (f"{place}a/b", f"{place}b", f"{place}c/a", f"{place}d")
        for other in others:
            store.put(other, b"other")
        key = f"{place}c/{name}" if name.startswith(".") else f"{place}{name}"
        writes: list[Callable[[], Any]] = [
            lambda: store.put(key, b"1"),
            lambda: store.copy(others[0], key),
            lambda: store.upload(key, size=1),
        ]
        for write in writes:
            with pytest.raises(InvalidSpec):
                write()
        for read in (store.get, store.head):
            with pytest.raises((InvalidSpec, NotFound)):
                read(key)
        with suppress(InvalidSpec):
            store.delete(key)
        assert sorted(keys(store.list(place))) == sorted(others)
        assert {store.get(other) for other in others} == {b"other"}

    @pytest.mark.parametrize("length", [1024, 1023])
    def test_a_key_may_have_1024_bytes(self, store: Store, place: str, length: int) -> None:
        """Of UTF-8, in segments as long as file systems take them."""
        rest = length - len(place.encode())
        name = "/".join(["é" * 100] * (rest // 201)) + "/"
        key = place + name + "x" * (rest - len(name.encode()))
        assert len(key.encode()) == length
        store.put(key, b"long")
        assert store.get(key) == b"long"
        assert keys(store.list(place)) == [key]

    @pytest.mark.parametrize("key", NO_KEYS, ids=["1025 bytes", "1026 bytes in 513 letters", "half a letter"])
    def test_what_is_no_key_is_refused(self, store: Store, place: str, key: str) -> None:
        """With InvalidSpec, by reading and by writing, and an empty key too; nothing is there after it."""
        for wrong in (key, ""):
            calls: list[Callable[[], Any]] = [
                partial(store.put, wrong, b"1"),
                partial(store.get, wrong),
                partial(store.head, wrong),
                partial(store.delete, wrong),
                partial(store.upload, wrong, size=1),
            ]
            for call in calls:
                with pytest.raises(InvalidSpec):
                    call()
        assert keys(store.list(place)) == []


def _all_different(store: Store, place: str, names: Iterable[str]) -> None:
    for name in names:
        store.put(place + name, name.encode())
    assert sorted(keys(store.list(place))) == sorted(place + name for name in names)
    assert [store.get(place + name).decode() for name in names] == list(names)
