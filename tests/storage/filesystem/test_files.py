"""What a file system over objects promises beyond fsspec's own suite."""

import os
import pickle
import threading

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from cloudlayer.errors import Changed, InvalidSpec, PermissionDenied
from cloudlayer.storage import filesystem
from cloudlayer.storage.filesystem import BlobFileSystem

MIB = 1 << 20


def test_what_is_written_is_read_again_in_text_and_bytes(fs):
    with fs.open("notes/a.txt", "w") as file:
        file.write("first\nsecond\n")
    with fs.open("notes/a.txt") as file:
        assert file.readlines() == [b"first\n", b"second\n"]
    assert fs.read_text("notes/a.txt") == "first\nsecond\n"


def test_an_empty_file_is_a_file(fs):
    with fs.open("empty", "wb"):
        pass
    assert fs.info("empty")["size"] == 0
    assert fs.cat_file("empty") == fs.cat_file("empty", 0, 5) == b""
    with fs.open("empty") as file:
        assert file.read() == b""


def test_a_large_file_goes_and_comes_in_parts_and_is_the_same(fs):
    data = os.urandom(20 * MIB + 17)
    with fs.open("large", "wb") as file:
        for start in range(0, len(data), 300_000):
            file.write(data[start : start + 300_000])
    assert fs.info("large")["size"] == len(data)
    with fs.open("large") as file:
        file.seek(9 * MIB - 3)
        assert file.read(100) == data[9 * MIB - 3 : 9 * MIB + 97]
        file.seek(-5, 2)
        assert file.read() == data[-5:]
        file.seek(0)
        assert file.read() == data


@pytest.mark.parametrize("size", [10, 20 * MIB])
def test_a_block_that_raises_leaves_what_was_there_before(fs, size):
    fs.pipe_file("kept", b"old")
    with pytest.raises(ZeroDivisionError), fs.open("kept", "wb") as file:
        file.write(bytes(size))
        1 / 0  # noqa: B018
    assert fs.cat_file("kept") == b"old"
    assert fs.find("") == ["kept"]


@pytest.mark.parametrize("size", [10, 20 * MIB])
def test_a_file_that_is_never_closed_is_not_there(fs, size):
    file = fs.open("half", "wb")
    file.write(bytes(size))
    del file
    assert not fs.exists("half")


def test_nothing_is_there_before_the_file_is_closed(fs):
    with fs.open("late", "wb") as file:
        file.write(bytes(20 * MIB))
        assert not fs.exists("late")
    assert fs.info("late")["size"] == 20 * MIB


def test_files_of_a_transaction_are_there_when_it_ends_and_not_at_all_when_it_fails(fs):
    with fs.transaction:
        for name, size in {"a": 10, "b": 20 * MIB}.items():
            with fs.open(name, "wb") as file:
                file.write(bytes(size))
        assert fs.find("") == []
    assert fs.find("") == ["a", "b"]
    with pytest.raises(ZeroDivisionError), fs.transaction:
        for name, size in {"c": 10, "d": 20 * MIB}.items():
            with fs.open(name, "wb") as file:
                file.write(bytes(size))
        1 / 0  # noqa: B018
    assert fs.find("") == ["a", "b"]


def test_of_many_who_create_one_file_one_alone_succeeds(fs):
    results = []

    def create(number):
        try:
            fs.pipe_file("lock", b"%d" % number, mode="create")
        except FileExistsError:
            return
        results.append(number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 1
    assert fs.cat_file("lock") == b"%d" % results[0]


def test_a_file_that_came_meanwhile_is_not_overwritten_by_one_opened_exclusively(fs):
    file = fs.open("mine", "xb")
    file.write(b"mine")
    fs.pipe_file("mine", b"theirs")
    with pytest.raises(FileExistsError):
        file.close()
    assert fs.cat_file("mine") == b"theirs"


def test_put_file_with_mode_create_does_not_overwrite(fs, tmp_path):
    (tmp_path / "local").write_bytes(b"new")
    fs.put_file(str(tmp_path / "local"), "there", mode="create")
    with pytest.raises(FileExistsError):
        fs.put_file(str(tmp_path / "local"), "there", mode="create")


def test_an_open_file_never_mixes_two_versions(fs):
    fs.pipe_file("changing", b"a" * (20 * MIB))
    with fs.open("changing") as file:
        assert file.read(3) == b"aaa"
        fs.pipe_file("changing", b"b" * (20 * MIB))
        file.seek(18 * MIB)
        with pytest.raises(Changed):
            file.read(3)


def test_ranges_are_those_of_slices(fs):
    data = bytes(range(100))
    fs.pipe_file("r", data)
    for start, end in [
        (None, 5),
        (5, None),
        (5, 10),
        (-5, None),
        (-10, -5),
        (5, -5),
        (99, 200),
        (100, 200),
        (200, None),
        (7, 7),
        (9, 3),
    ]:
        assert fs.cat_file("r", start, end) == data[start:end], (start, end)


def test_many_ranges_come_in_their_order_with_errors_in_their_places(fs):
    fs.pipe({"a": b"0123456789", "b": b"abcdefghij"})
    found = fs.cat_ranges(["a", "b", "gone", "a"], [0, 2, 0, 8], [3, 4, 1, 20])
    assert found[:2] + found[3:] == [b"012", b"cd", b"89"]
    assert isinstance(found[2], FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        fs.cat_ranges(["gone"], [0], [1], on_error="raise")


def test_what_is_not_there_is_file_not_found_everywhere(fs):
    for look in (fs.info, fs.cat_file, fs.ls, fs.rm, fs.rm_file, fs.modified, fs.sizes, lambda path: fs.cp_file(path, "x")):
        with pytest.raises(FileNotFoundError):
            look(["gone"] if look == fs.sizes else "gone")
    assert not fs.exists("gone")
    assert fs.find("gone") == fs.glob("gone/*") == []


def test_folders_are_told_as_long_as_files_are_in_them(fs):
    fs.pipe({"d/a": b"1", "d/e/b": b"22", "d/e/f/c": b"333", "dd": b""})
    assert fs.ls("", detail=False) == ["d", "dd"]
    assert {entry["name"]: (entry["type"], entry["size"]) for entry in fs.ls("d")} == {
        "d/a": ("file", 1),
        "d/e": ("directory", 0),
    }
    assert fs.isdir("d/e") and fs.isfile("d/a") and not fs.isdir("d/a")
    assert fs.find("d") == ["d/a", "d/e/b", "d/e/f/c"]
    assert fs.find("d", withdirs=True) == ["d", "d/a", "d/e", "d/e/b", "d/e/f", "d/e/f/c"]
    assert fs.find("d", maxdepth=1) == fs.find("d/a") == ["d/a"]
    assert fs.glob("d/*") == ["d/a", "d/e"]
    assert fs.glob("**/c") == ["d/e/f/c"]
    assert [(root, sorted(folders), sorted(files)) for root, folders, files in fs.walk("d")] == [
        ("d", ["e"], ["a"]),
        ("d/e", ["f"], ["b"]),
        ("d/e/f", [], ["c"]),
    ]
    assert fs.du("d") == 6
    fs.rm("d/e", recursive=True)
    assert fs.find("", withdirs=True, detail=False) == ["d", "d/a", "dd"]


def test_a_folder_is_deleted_only_when_that_is_said(fs):
    fs.pipe({"d/a": b"1", "d/e/b": b"2"})
    with pytest.raises(IsADirectoryError):
        fs.rm("d")
    with pytest.raises(OSError, match="has objects in it"):
        fs.rmdir("d")
    fs.rm("d", recursive=True, maxdepth=1)
    assert fs.find("") == ["d/e/b"]


def test_moves_take_everything_and_no_more_than_was_copied(fs):
    fs.pipe({"d/a": b"1", "d/c": b"3", "d/e/b": b"2"})
    fs.mv("d/", "to/", recursive=True, maxdepth=1)
    assert fs.find("") == ["d/e/b", "to/a", "to/c"]
    fs.mv("d", "all", recursive=True)
    assert fs.find("") == ["all/e/b", "to/a", "to/c"]
    assert fs.cat_file("all/e/b") == b"2"


def test_a_file_that_is_moved_onto_itself_by_another_way_to_say_it_stays(fs):
    fs.pipe({"m/k": b"1", "m/d/a": b"2"})
    fs.mv("blob://m/k", "m/k")
    fs.mv("m/k", "blob://m/")
    fs.mv("blob://m/d", "m", recursive=True)
    fs.mv("m/d/", "blob://m/d", recursive=True)
    assert fs.find("") == ["m/d/a", "m/k"]


def test_a_folder_is_not_moved_into_itself(fs):
    fs.pipe({"m/d/a": b"1", "m/d/old/z": b"2"})
    for source, target in (("m/d", "m/d/old"), ("m/d", "m/d/new"), ("blob://m/d/", "m/d/old/"), (["m/d"], "m/d/old")):
        with pytest.raises(InvalidSpec, match="into itself"):
            fs.mv(source, target, recursive=True)
    assert fs.find("") == ["m/d/a", "m/d/old/z"]


def test_nothing_that_is_moved_is_written_over_by_another_that_is(fs):
    fs.pipe({"a/b/x": b"1", "a/b/b/x": b"2", "a/c/x": b"3"})
    with pytest.raises(InvalidSpec, match="would be written over"):
        fs.mv("a/b/", "a/", recursive=True)
    with pytest.raises(InvalidSpec, match="would be written over"):
        fs.mv(["a/b/x", "a/c/x"], "to/")
    assert {name: fs.cat_file(name) for name in fs.find("")} == {"a/b/x": b"1", "a/b/b/x": b"2", "a/c/x": b"3"}


def test_what_comes_into_a_folder_while_it_is_moved_stays(fs, monkeypatch):
    fs.pipe({"d/a": b"1", "d/b": b"2"})
    store, key = fs.locate("d/late")
    copy = type(store).copy

    def late(store, *arguments, **conditions):
        made = copy(store, *arguments, **conditions)
        store.put(key, b"3")
        return made

    monkeypatch.setattr(type(store), "copy", late)
    fs.mv("d", "to", recursive=True)
    assert fs.find("") == ["d/late", "to/a", "to/b"]


def test_a_file_that_is_written_to_while_it_is_moved_stays(fs, monkeypatch):
    fs.pipe_file("m/k", b"old")
    store, key = fs.locate("m/k")
    copy = type(store).copy

    def late(store, *arguments, **conditions):
        made = copy(store, *arguments, **conditions)
        store.put(key, b"new one")
        return made

    monkeypatch.setattr(type(store), "copy", late)
    with pytest.raises(Changed):
        fs.mv("m/k", "m/to")
    assert fs.cat_file("m/k") == b"new one"


def test_unusual_names_are_names(fs):
    names = ["a b+c%20", "ü/ß#1", "q&a=1;x", "dot.dot..x"]
    fs.pipe({name: name.encode() for name in names})
    assert fs.find("") == sorted(names)
    assert {name: fs.cat_file(name) for name in names} == {name: name.encode() for name in names}


def test_files_have_a_time_and_a_key_that_changes_with_them(fs):
    fs.pipe_file("timed", b"1")
    before = fs.ukey("timed")
    assert fs.created("timed") == fs.modified("timed")
    assert fs.modified("timed").tzinfo is not None
    fs.pipe_file("timed", b"22")
    assert fs.ukey("timed") != before


def test_touch_makes_and_truncates(fs):
    fs.touch("t")
    fs.pipe_file("t", b"1")
    fs.touch("t", truncate=False)
    assert fs.cat_file("t") == b"1"
    fs.touch("t")
    assert fs.cat_file("t") == b""


def test_a_file_that_is_got_takes_its_place_whole(fs, tmp_path):
    fs.pipe_file("got", bytes(10 * MIB))
    fs.get_file("got", str(tmp_path / "got"))
    assert (tmp_path / "got").read_bytes() == bytes(10 * MIB)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["got"]


def test_files_are_not_appended_to(fs):
    with pytest.raises(NotImplementedError, match="written whole"):
        fs.open("x", "ab")


def test_a_file_system_is_pickled_with_its_settings():
    stores = {"memory+team": {"part_size": "16MiB"}}
    fs = filesystem.file_system("memory+team")(stores=stores)
    fs.pipe_file("pickled/a", b"1")
    again = pickle.loads(pickle.dumps(fs))
    assert again.cat_file("pickled/a") == b"1"


def test_a_scheme_is_read_through_cloudlayer_once_it_is_registered(monkeypatch):
    for name in ("memory", "memory+team"):
        monkeypatch.setitem(_registry, name, MemoryFileSystem)
    filesystem.register("memory", "memory+team")
    with fsspec.open("memory+team://bucket/folder/a.txt", "w") as file:
        file.write("x")
    assert fsspec.get_fs_token_paths("memory+team://bucket/folder/*")[2] == ["bucket/folder/a.txt"]
    assert isinstance(fsspec.filesystem("memory"), filesystem.FileSystem)


def test_a_scheme_that_no_store_has_is_refused():
    with pytest.raises(InvalidSpec, match='"ftp" is no scheme'):
        filesystem.register("ftp")


def test_an_error_that_is_not_absence_is_never_taken_for_absence(monkeypatch):
    fs = BlobFileSystem(stores={"blob": {"uri": "memory://refused/"}})
    store, _ = fs.locate("x")

    def refuse(key):
        raise PermissionDenied("no", provider=store.uri)

    monkeypatch.setattr(store, "head", refuse)
    with pytest.raises(PermissionError):
        fs.exists("x")
