"""What files and directories promise over every store: written once, they are held to it with each."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudlayer.errors import AlreadyExists, Changed, NotFound
from cloudlayer.storage.client import Client
from cloudlayer.storage.store import Store
from cloudlayer.testing.objects.base import Given, ObjectPromises, keys, pattern, same
from cloudlayer.testing.skips import need
from cloudlayer.units import MIB

GLOBBED = ("a.csv", "b.csv", "a.txt", "deep/a.csv", "deep/er/a.csv", "other/a.csv")


class FilePromises(ObjectPromises):
    """Of every store; those that write are of stores that can be written to."""

    @pytest.fixture
    def uri(self, store: Store, prefix: str) -> Callable[[str], str]:
        """The URI of a name of this test."""
        return lambda name: f"{store.uri}{prefix}{name}"

    def test_a_file_is_read(self, client: Client, store: Store, given: Given) -> None:
        """As bytes, a range, text, JSON, and as a stream; and it says where it is."""
        key = given("records.json", '{"größe": 1}'.encode())
        file = client.file(f"{store.uri}{key}")
        assert (file.uri, file.key) == (f"{store.uri}{key}", key)
        assert file.get() == b"".join(file.stream()) == '{"größe": 1}'.encode()
        assert file.get(start=0, end=1) == b"{"
        assert (file.text(), file.json()) == ('{"größe": 1}', {"größe": 1})
        assert (file.exists(), file.stat().size) == (True, len('{"größe": 1}'.encode()))

    def test_a_file_that_is_not_there(self, client: Client, uri: Callable[[str], str]) -> None:
        """Does not exist, and is not found."""
        file = client.file(uri("absent"))
        assert not file.exists()
        for read in (file.get, file.text, file.json, file.stat):
            with pytest.raises(NotFound):
                read()

    def test_a_file_is_fetched_whole_or_not_at_all(
        self, client: Client, store: Store, given: Given, uri: Callable[[str], str], tmp_path: Path
    ) -> None:
        """Into a file of this machine, which keeps what it has if nothing comes."""
        data = pattern(9 * MIB + 3)
        file, target = client.file(f"{store.uri}{given('large.bin', data)}"), tmp_path / "fetched" / "large.bin"
        target.parent.mkdir()
        file.get_file(target)
        same(target.read_bytes(), data)
        with pytest.raises(NotFound):
            client.file(uri("absent")).get_file(target)
        same(target.read_bytes(), data)
        assert [path.name for path in target.parent.iterdir()] == ["large.bin"]

    def test_a_file_is_written(self, client: Client, store: Store, uri: Callable[[str], str]) -> None:
        """From text, bytes and JSON, with its content type where the store keeps one."""
        need(store, "put")
        file = client.file(uri("records.json"))
        file.put("größe")
        assert (file.get(), file.text()) == ("größe".encode(), "größe")
        file.put(b"\x00\xff")
        assert file.get() == b"\x00\xff"
        file.put_json({"größe": [1, None, "x"]})
        assert file.json() == {"größe": [1, None, "x"]}
        if store.capabilities["content_type"]:
            assert file.stat().content_type == "application/json"
        file.delete()
        file.delete()
        assert not file.exists()

    @pytest.mark.parametrize("size", [0, 10, 20 * MIB + 1])
    def test_a_file_is_sent_and_streamed(
        self, client: Client, uri: Callable[[str], str], store: Store, tmp_path: Path, size: int
    ) -> None:
        """Small ones in one piece, large ones in parts: from a file, a binary stream, and pieces of any size."""
        need(store, "put")
        data, source = pattern(size), tmp_path / "source.bin"
        source.write_bytes(data)
        client.file(uri("file")).put_file(source)
        client.file(uri("stream")).put_stream(io.BytesIO(data))
        client.file(uri("pieces")).put_stream(data[start : start + 1_000_003] for start in range(0, size, 1_000_003))
        for name in ("file", "stream", "pieces"):
            same(client.file(uri(name)).get(), data)
        if store.capabilities["uploads"]:
            assert list(store.uploads(client.resolve(uri(""))[1])) == []

    def test_a_stream_that_breaks_off_makes_no_file(self, client: Client, uri: Callable[[str], str], store: Store) -> None:
        """And leaves the old one; the error is the stream's own."""
        need(store, "put")
        file = client.file(uri("stream"))
        file.put(b"old")

        def breaking() -> Iterator[bytes]:
            yield pattern(20 * MIB)
            raise LookupError("the source is gone")

        with pytest.raises(LookupError):
            file.put_stream(breaking())
        assert file.get() == b"old"
        assert keys(store.list(client.resolve(uri(""))[1])) == [file.key]

    def test_conditions_go_through_files(self, client: Client, uri: Callable[[str], str], store: Store) -> None:
        """Where the store has them."""
        need(store, "put", "create_if_absent", "compare_and_swap")
        file = client.file(uri("state"))
        first = file.put("1", if_absent=True)
        with pytest.raises(AlreadyExists):
            file.put("2", if_absent=True)
        second = file.put("2", if_match=first.etag)
        with pytest.raises(Changed):
            file.put("3", if_match=first.etag)
        with pytest.raises(Changed):
            file.delete(if_match=first.etag)
        file.delete(if_match=second.etag)
        assert not file.exists()

    def test_a_directory_is_listed(self, client: Client, store: Store, given: Given, uri: Callable[[str], str]) -> None:
        """By names that are relative to it: whole, shallow, and by a pattern that does not cross a "/" but by "**"."""
        need(store, "put", "list")
        for name in GLOBBED:
            given(name, name.encode())
        folder = client.dir(uri(""))
        assert sorted(entry.name for entry in folder.list()) == sorted(GLOBBED)
        shallow = {entry.name: entry.info for entry in folder.list(shallow=True)}
        assert {name.rstrip("/") for name in shallow} == {"a.csv", "b.csv", "a.txt", "deep", "other"}
        assert [name.rstrip("/") for name, info in shallow.items() if info is None] == ["deep", "other"]
        assert sorted(entry.name for entry in folder.list(glob="*.csv")) == ["a.csv", "b.csv"]
        assert sorted(entry.name for entry in folder.list(glob="*/a.csv")) == ["deep/a.csv", "other/a.csv"]
        assert sorted(entry.name for entry in folder.list(glob="**/a.csv")) == [
            *("a.csv", "deep/a.csv", "deep/er/a.csv", "other/a.csv")
        ]
        assert sorted(entry.name for entry in folder.dir("deep").list()) == ["a.csv", "er/a.csv"]
        assert folder.dir("deep").file("er/a.csv").get() == b"deep/er/a.csv"
        assert [client.file(entry.uri).get() for entry in folder.list(glob="b.*")] == [b"b.csv"]

    def test_a_directory_is_deleted_with_all_that_is_in_it(
        self, client: Client, store: Store, given: Given, uri: Callable[[str], str]
    ) -> None:
        """And not what only begins like it."""
        need(store, "put", "list")
        for name in ("folder/a", "folder/deep/b", "folder-2/c"):
            given(name, b"1")
        folder = client.dir(uri("folder"))
        assert folder.exists()
        folder.delete()
        assert not folder.exists()
        assert [entry.name for entry in client.dir(uri("")).list()] == ["folder-2/c"]

    def test_a_file_is_copied_and_moved_within_the_store(self, client: Client, uri: Callable[[str], str], store: Store) -> None:
        """A move leaves one, under its new name."""
        need(store, "put")
        first = client.file(uri("first"))
        first.put("1")
        first.copy(uri("folder/second"))
        first.move(client.file(uri("third")))
        assert not first.exists()
        assert [client.file(uri(name)).text() for name in ("folder/second", "third")] == ["1", "1"]

    @pytest.mark.parametrize("size", [10, 9 * MIB])
    def test_a_file_is_moved_across_stores(
        self, client: Client, store: Store, given: Given, uri: Callable[[str], str], size: int
    ) -> None:
        """There and back, with every byte."""
        data = pattern(size)
        away = client.file(f"memory://conformance/{client.resolve(uri(''))[1]}away")
        here = client.file(f"{store.uri}{given('here', data)}")
        here.copy(away)
        for file in (away, here):
            same(file.get(), data)
        if store.capabilities["put"]:
            here.delete()
            away.move(here)
            assert not away.exists()
            same(here.get(), data)
        away.delete()
