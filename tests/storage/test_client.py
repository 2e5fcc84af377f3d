"""The client: files and directories by URI, the same on every store; here on memory, on files, and between the two."""

import dataclasses
import io
import json
import os
from contextlib import closing

import pytest

from cloudlayer import storage
from cloudlayer.errors import AlreadyExists, Changed, Conflict, IntegrityError, InvalidSpec, NotFound, Unsupported
from cloudlayer.storage.stores.memory import MemoryStore

LARGE = os.urandom(9 * 2**20 + 17)
"""More than goes in one request."""


def test_what_is_put_is_got_as_bytes_text_json_and_piece_by_piece(folder):
    file = folder.file("x")
    put = file.put('[1, "ü"]')
    assert file.get() == '[1, "ü"]'.encode()
    assert file.text() == '[1, "ü"]'
    assert file.json() == [1, "ü"]
    assert file.get(1, 2) == b"1"
    assert file.get(-1) == b"]"
    with closing(file.stream(start=5)) as reader:
        assert b"".join(reader) == 'ü"]'.encode()
        assert reader.info.size == 9
    assert file.stat().etag == put.etag
    assert file.get(if_match=put.etag) == file.get()


@pytest.mark.parametrize(
    "data",
    [b"", b"x", bytearray(b"x"), memoryview(b"xyz")[1:], "text", LARGE, memoryview(LARGE), memoryview(bytes(16)).cast("Q")],
)
def test_bytes_of_every_kind_and_size_are_put(folder, data):
    file = folder.file("x")
    expected = data.encode() if isinstance(data, str) else bytes(data)
    assert file.put(data).size == len(expected)
    assert file.get() == expected


@pytest.mark.parametrize("data", [None, 1, ["x"], {"a": 1}])
def test_what_is_neither_bytes_nor_text_is_refused_before_any_call(folder, data):
    with pytest.raises(InvalidSpec, match="an object is bytes or text, not"):
        folder.file("x").put(data)
    assert not folder.file("x").exists()


def test_half_a_character_is_refused(folder):
    with pytest.raises(InvalidSpec, match="half a character at 1"):
        folder.file("x").put("a\ud800")


def test_what_is_no_text_or_no_json_is_told_with_its_place(client, folder, root):
    file = folder.file("x")
    file.put(b"caf\xe9")
    with pytest.raises(InvalidSpec) as raised:
        file.text()
    assert str(raised.value) == f"{root}x is not utf-8 (byte 0xe9 at 3): name its encoding, or read bytes"
    assert file.text("latin-1") == "café"
    with pytest.raises(InvalidSpec, match='no encoding is called "klingon"'):
        file.text("klingon")
    with pytest.raises(InvalidSpec, match="x is not JSON"):
        file.json()
    file.put('{"a": 1,\n}')
    with pytest.raises(InvalidSpec, match=r"x is not JSON: .* in line 2, column 1"):
        file.json()


def test_json_is_put_with_its_content_type_where_there_is_one(folder):
    file = folder.file("x")
    info = file.put_json({"ü": [1, None]})
    assert json.loads(file.get()) == {"ü": [1, None]}
    assert info.content_type == ("application/json" if file.store.capabilities["content_type"] else None)


@pytest.mark.parametrize("value", [object(), float("nan"), {1: {2}}, "\ud800"])
def test_what_is_no_json_is_refused(folder, value):
    with pytest.raises(InvalidSpec, match="this value is no JSON"):
        folder.file("x").put_json(value)


def test_conditions_hold_for_every_way_to_put(folder, tmp_path):
    path = tmp_path / "source"
    path.write_bytes(LARGE)
    file = folder.file("x")
    etag = file.put(b"old", if_absent=True).etag
    ways = (
        lambda **options: file.put(b"new", **options),
        lambda **options: file.put(LARGE, **options),
        lambda **options: file.put_file(path, **options),
        lambda **options: file.put_stream([LARGE, b"x"], **options),
        lambda **options: file.put_json(1, **options),
    )
    for put in ways:
        with pytest.raises(AlreadyExists):
            put(if_absent=True)
        with pytest.raises(Changed):
            put(if_match="other")
        with pytest.raises(Changed):
            put(if_match="")
        assert file.get() == b"old"
    for put in ways:
        etag = put(if_match=etag).etag
    assert file.json() == 1


def test_what_a_store_cannot_keep_is_refused_by_every_way_to_put(client, tmp_path):
    file = client.file(f"file://{tmp_path}/x")
    for options in ({"metadata": {"a": "b"}}, {"tags": {"a": "b"}}, {"content_type": "text/csv"}):
        for put in (
            lambda **options: file.put(b"", **options),
            lambda **options: file.put(LARGE, **options),
            lambda **options: file.put_stream([b""], **options),
        ):
            with pytest.raises(Unsupported):
                put(**options)
    assert not file.exists()


def test_streams_of_every_kind_are_put(folder):
    file = folder.file("x")
    file.put_stream(io.BytesIO(LARGE))
    assert file.get() == LARGE
    file.put_stream(piece for piece in (b"", b"ab", bytearray(b"c"), memoryview(b"d")))
    assert file.get() == b"abcd"
    file.put_stream([])
    assert file.get() == b""


def test_a_stream_that_fails_puts_nothing(folder):
    def failing():
        yield LARGE
        raise RuntimeError("the source broke")

    file = folder.file("x")
    file.put(b"old")
    with pytest.raises(RuntimeError, match="the source broke"):
        file.put_stream(failing())
    assert file.get() == b"old"


@pytest.mark.parametrize("data", [b"", b"small", LARGE], ids=["empty", "small", "large"])
def test_files_go_there_and_back_with_progress(folder, tmp_path, data):
    there, back, told = tmp_path / "there", tmp_path / "back", []
    there.write_bytes(data)
    assert folder.file("deep/er").put_file(there, progress=told.append).size == len(data)
    assert folder.file("deep/er").get_file(str(back), progress=told.append).size == len(data)
    assert back.read_bytes() == data
    assert sum(told) == 2 * len(data)


def test_a_file_that_cannot_be_got_whole_leaves_the_old_one(folder, tmp_path):
    (tmp_path / "back").write_bytes(b"old")
    with pytest.raises(NotFound):
        folder.file("none").get_file(tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"old"


def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_error(folder):
    file = folder.file("x")
    etag = file.put(b"1").etag
    with pytest.raises(Changed):
        file.delete(if_match="other")
    file.delete(if_match=etag)
    file.delete()
    assert not file.exists()
    with pytest.raises(NotFound):
        file.delete(if_match=etag)


@pytest.fixture(params=["within", "across"])
def target(request, client, root, tmp_path):
    """A file of the same store, or of another one."""
    if request.param == "within":
        return client.file(f"{root}target")
    return client.file(f"memory://across/{request.node.name}" if root.startswith("file") else f"file://{tmp_path}/across")


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
def test_copies_are_equal_and_leave_the_source(folder, target, data):
    source = folder.file("x")
    source.put(data)
    assert source.copy(target).size == len(data)
    assert source.get() == target.get() == data
    with pytest.raises(AlreadyExists):
        source.copy(target, if_absent=True)
    with pytest.raises(Changed):
        source.copy(target.uri, if_match="other")
    with pytest.raises(NotFound):
        folder.file("none").copy(target)


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
def test_moves_are_equal_and_delete_the_source(folder, target, data):
    source = folder.file("x")
    source.put(data)
    assert source.move(target.uri).size == len(data)
    assert target.get() == data
    assert not source.exists()
    with pytest.raises(NotFound):
        source.move(target)
    assert target.get() == data


def test_metadata_and_content_type_go_with_a_copy_and_a_move_between_stores(client):
    about = {"content_type": "text/csv", "metadata": {"a": "b"}}
    client.file("memory://about/x").put(b"1", **about)
    client.file("memory://about/x").move("memory+other://about/y")
    info = client.file("memory+other://about/y").stat()
    assert (info.content_type, info.metadata) == ("text/csv", {"a": "b"})
    client.file("memory+other://about/y").copy("memory+other://about/z", metadata={"c": "d"})
    info = client.file("memory+other://about/z").stat()
    assert (info.content_type, info.metadata) == ("text/csv", {"c": "d"})


def test_a_copy_within_a_store_moves_no_byte_through_this_process(client, monkeypatch):
    client.file("memory://within/x").put(LARGE)
    for verb in ("get", "open", "put", "upload"):
        monkeypatch.setattr(MemoryStore, verb, lambda *_, **__: pytest.fail("a byte came by"))
    client.file("memory://within/x").copy("memory://within/y")


def test_a_file_that_is_moved_or_copied_onto_itself_stays(folder):
    file = folder.file("x")
    etag = file.put(b"1").etag
    assert file.move(file.uri).etag == file.copy(file).etag == etag
    assert file.get() == b"1"


def test_an_object_that_two_accounts_name_is_not_lost_by_a_move(client, monkeypatch):
    """Two labels, one bucket: the copy would be the source, which a move deletes."""
    one, other = client.file("memory+one://same/x"), client.file("memory+other://same/x")
    one.put(b"1")
    monkeypatch.setattr(other.store, "_bucket", one.store._bucket)
    with pytest.raises(Conflict, match="are one object"):
        one.move(other)
    assert one.get() == b"1"


def test_a_source_that_is_written_to_while_it_is_moved_stays(client, monkeypatch):
    source, put = client.file("memory://racing/x"), MemoryStore.put
    source.put(b"first")

    def late(store, key, data, *options):
        put(source.store, "x", b"second")
        return put(store, key, data, *options)

    monkeypatch.setattr(MemoryStore, "put", late)
    with pytest.raises(Changed):
        source.move("memory+other://racing/y")
    assert source.get() == b"second"


def test_a_source_stays_where_its_copy_is_not_whole(client, monkeypatch):
    source = client.file("memory://short/x")
    source.put(b"12345")
    put = MemoryStore.put
    monkeypatch.setattr(MemoryStore, "put", lambda store, key, data, *options: put(store, key, data[:3], *options))
    with pytest.raises(IntegrityError, match="both stay"):
        source.move("memory+other://short/y")
    assert source.get() == b"12345"


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("use", ["get", "stream", "copy", "move", "get_file"])
def test_a_damaged_object_is_neither_got_nor_copied_nor_moved(client, tmp_path, use, data):
    name = f"damaged-{use}-{len(data)}"
    file, copy = client.file(f"memory://{name}/x"), client.file(f"memory+other://{name}/x")
    file.put(data)
    kept = file.store._bucket.objects["x"]
    file.store._bucket.objects["x"] = dataclasses.replace(kept, data=bytes([data[0] ^ 1]) + data[1:])
    uses = {
        "get": file.get,
        "stream": lambda: b"".join(file.stream()),
        "copy": lambda: file.copy(copy),
        "move": lambda: file.move(copy),
        "get_file": lambda: file.get_file(tmp_path / "x"),
    }
    with pytest.raises(IntegrityError):
        uses[use]()
    assert file.exists()
    assert not copy.exists()
    assert list(tmp_path.iterdir()) == []


def test_tags_are_set_and_signed_urls_are_refused_with_the_reason(client):
    file = client.file("memory://tags/x")
    file.put(b"1", tags={"a": "b"})
    assert file.tags() == {"a": "b"}
    file.set_tags({})
    assert file.tags() == {}
    with pytest.raises(Unsupported):
        file.sign()
    with pytest.raises(InvalidSpec, match="more than 0 seconds"):
        file.sign(expires=0)


def test_files_and_directories_of_an_alias_have_its_uris(client):
    client.file("blob://a/b").put(b"1")
    assert [entry.uri for entry in client.dir("blob://a").list()] == ["blob://a/b"]
    assert [entry.uri for entry in client.dir("blob://").list()] == ["blob://a/b"]
    assert client.file("memory://client/alias/a/b").get() == b"1"
    assert client.dir("memory://client").uri == "memory://client/"
    client.dir("blob://a").delete()


def test_a_store_is_connected_once_and_shared(client):
    assert client.file("memory://one/x").store is client.dir("memory://one/y").store is client.resolve("memory://one")[0]
    assert client.file("memory+label://one/x").store is not client.file("memory://one/x").store


def test_a_client_that_is_closed_is_of_no_use():
    client = storage.connect({})
    client.file("memory://closed/x")
    client.close()
    client.close()
    with pytest.raises(InvalidSpec, match="this client is closed"):
        client.file("memory://closed/x")


def test_nothing_tells_what_is_configured():
    with storage.connect({"memory": {"part_size": "7654321MiB"}}) as client:
        file = client.file("memory://quiet/x")
        assert "7654321" not in repr(client) + repr(file) + repr(client.dir("memory://quiet")) + repr(vars(client))
        assert repr(file) == "<File memory://quiet/x>"
