"""file:///: what is on the disk is whole, whoever writes beside and whatever dies; and what is no object stays as it is."""

import errno
import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloudlayer import storage
from cloudlayer.errors import (
    AlreadyExists,
    Changed,
    Conflict,
    IntegrityError,
    InvalidSpec,
    NotFound,
    PermissionDenied,
    QuotaError,
)
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import Fault, PutOptions
from cloudlayer.storage.stores.file import listing, writing

NOBODY = 65534


@contextmanager
def somebody_else():
    """Not the superuser, who may read and write everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def listed(store, prefix, **options):
    pages = list(store.list(prefix, **options))
    return [info.key.removeprefix(prefix) for page in pages for info in page.objects], [
        fault for page in pages for fault in page.faults
    ]


@pytest.mark.parametrize("uri", ["file://data/x.csv", "file://x", "file://localhost/x"])
def test_a_path_that_is_not_whole_is_refused_with_what_to_write(uri):
    with pytest.raises(InvalidSpec, match="three slashes come before the first folder"), storage.connect({}) as client:
        client.file(uri)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a//b",
        "a/../b",
        "./a",
        "a/",
        "/a",
        "..",
        "a\0b",
        "a\ud800",
        "a" * 1025,
        ".cloudlayer-upload-0123456789ab-a",
        ".cloudlayer-upload-0123456789ab-a/b",
    ],
)
def test_a_key_that_no_file_may_have_is_refused_by_every_verb(store, key):
    calls = (
        store.get,
        store.open,
        store.head,
        store.delete,
        store.upload,
        lambda key: store.put(key, b""),
        lambda key: store.copy("a", key),
    )
    for call in calls:
        with pytest.raises(InvalidSpec):
            call(key)


def test_a_name_longer_than_a_file_system_takes_is_refused_and_found_absent(store, root):
    with pytest.raises(InvalidSpec, match="at most 255 bytes"):
        store.put(f"{root}{'ä' * 128}", b"")
    with pytest.raises(NotFound):
        store.get(f"{root}{'a' * 256}")


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127, "\U0001f600" * 63])
def test_the_longest_names_are_put_and_uploaded(store, root, name):
    store.put(root + name, b"put")
    upload = store.upload(root + name)
    upload.part(1, b"uploaded")
    assert len(list(store.uploads(root))) == 1
    resumed = store.upload(root + name, resume=upload.id)
    resumed.part(1, b"again")
    resumed.complete(size=5, crc32c=crc32c(b"again"))
    assert store.get(root + name) == b"again"
    assert not list(store.uploads(root))


def test_a_link_to_a_file_counts_as_the_file_wherever_it_leads(store, root, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"far away")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(outside)
    assert store.get(f"{root}tree/link") == b"far away"
    assert store.head(f"{root}tree/link").size == 8
    assert listed(store, f"{root}tree/") == (["link"], [])


def test_a_put_and_a_delete_leave_alone_what_a_link_leads_to(store, root, tmp_path):
    (tmp_path / "kept").write_bytes(b"kept")
    for name in ("put", "deleted", "swapped"):
        (tmp_path / name).symlink_to(tmp_path / "kept")
    store.put(f"{root}put", b"new")
    store.put(f"{root}swapped", b"new", PutOptions(if_match=store.head(f"{root}swapped").etag))
    store.delete(f"{root}deleted")
    assert (tmp_path / "kept").read_bytes() == b"kept"
    assert not (tmp_path / "put").is_symlink()
    assert not os.path.lexists(tmp_path / "deleted")


def test_a_link_to_a_folder_is_not_followed_by_a_list_but_by_a_key(store, root, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x").write_bytes(b"x")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(tmp_path / "outside")
    (tmp_path / "tree/round").symlink_to(tmp_path / "tree")
    objects, faults = listed(store, f"{root}tree/")
    assert objects == []
    assert [(fault.key.removeprefix(root), fault.reason) for fault in faults] == [
        ("tree/link", "is a symbolic link to a folder, which lists do not follow"),
        ("tree/round", "is a symbolic link to a folder, which lists do not follow"),
    ]
    assert store.get(f"{root}tree/link/x") == b"x"
    assert listed(store, f"{root}tree/link/") == (["x"], [])
    with pytest.raises(Conflict, match="is a folder"):
        store.put(f"{root}tree/link", b"")


@pytest.fixture
def special(tmp_path):
    """A pipe and a link that leads nowhere."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    return ["pipe", "dangling"]


def test_what_is_no_file_is_no_object_and_is_told_by_lists(store, root, tmp_path, special):
    for name in special:
        for verb in (store.get, store.open, store.head, lambda key: store.copy(key, f"{root}copy")):
            with pytest.raises(NotFound):
                verb(root + name)
        store.delete(root + name)
        assert os.path.lexists(tmp_path / name)
    objects, faults = listed(store, root)
    assert objects == []
    assert faults == [
        Fault(f"{root}dangling", "is a symbolic link that leads nowhere"),
        Fault(f"{root}pipe", "is a pipe, a socket or a device"),
    ]


def test_what_is_no_file_is_not_written_over(store, root, tmp_path, special):
    for condition in (PutOptions(), PutOptions(if_absent=True)):
        with pytest.raises(Conflict):
            store.put(f"{root}pipe", b"", condition)
    with pytest.raises(Conflict, match="leads nowhere"):
        store.put(f"{root}dangling", b"", PutOptions(if_absent=True))
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert not (tmp_path / "nowhere").exists()
    assert not list(store.uploads(root))


def test_a_name_that_is_not_utf_8_is_told(store, root, tmp_path):
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9")).write_bytes(b"")
    assert listed(store, root) == ([], [Fault(f"{root}caf\ufffd", "has a name that is not UTF-8: rename it")])


def test_a_path_longer_than_a_key_is_told(store, root, tmp_path):
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(5):
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
        Path("file").write_bytes(b"")
    finally:
        os.chdir(before)
    objects, faults = listed(store, root)
    assert objects == []
    assert [fault.reason for fault in faults] == ["is longer than 1,024 bytes, the most that a key has"]


def test_a_folder_that_may_not_be_read_is_told_and_the_rest_is_listed(store):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = f"{folder}/"[1:]
        for name in ("a/1", "closed/2", "z/3"):
            store.put(root + name, b"")
        (Path(folder) / "closed").chmod(0)
        with somebody_else():
            objects, faults = listed(store, root)
            assert objects == ["a/1", "z/3"]
            assert faults == [Fault(f"{root}closed/", "may not be read: Permission denied")]
            with pytest.raises(PermissionDenied, match="let this user read"):
                list(store.list(f"{root}closed/"))
            for verb in (store.get, store.head, lambda key: store.put(key, b"")):
                with pytest.raises(PermissionDenied):
                    verb(f"{root}closed/2")
        (Path(folder) / "closed").chmod(0o755)


def test_lists_come_in_order_of_whole_keys_though_folders_are_between(store, root):
    names = ["a", "a-b", "a.b/c", "a/b", "a/b-", "a0", "b/a/a", "b/a-", "ä", "\ufb00", "\U0001f600"]
    for name in [name for name in names if name != "a"]:
        store.put(root + name, b"")
    assert listed(store, root)[0] == sorted(set(names) - {"a"})
    pages = list(store.list(root, shallow=True))
    assert pages[0].folders == tuple(root + folder for folder in ("a.b/", "a/", "b/"))


def test_a_list_of_many_files_comes_in_pages(store, root, tmp_path):
    for number in range(2500):
        (tmp_path / f"{number:04}").touch()
    pages = list(store.list(root))
    assert [len(page.objects) for page in pages] == [1000, 1000, 500]
    assert [len(page.objects) for page in store.list(root, after=f"{root}1499")] == [1000]


def test_a_file_that_is_replaced_keeps_who_may_read_it(store, root, tmp_path):
    store.put(f"{root}secret", b"1")
    (tmp_path / "secret").chmod(0o600)
    store.put(f"{root}secret", b"2")
    upload = store.upload(f"{root}secret")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    upload.part(1, b"3")
    upload.complete(size=1, crc32c=crc32c(b"3"))
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_reader_has_what_it_opened_though_it_is_replaced_and_deleted(store, root):
    data = os.urandom(3_000_000)
    store.put(f"{root}x", data)
    pieces = iter(store.open(f"{root}x"))
    first = next(pieces)
    store.put(f"{root}x", b"other")
    store.delete(f"{root}x")
    assert first + b"".join(pieces) == data


def test_a_file_that_becomes_shorter_while_it_is_read_is_told(store, root, tmp_path):
    store.put(f"{root}x", bytes(3_000_000))
    pieces = iter(store.open(f"{root}x"))
    next(pieces)
    os.truncate(tmp_path / "x", 10)
    with pytest.raises(IntegrityError, match="bytes arrived of 3000000"):
        list(pieces)


def test_a_put_that_fails_leaves_the_old_file_and_nothing_else(store, root, tmp_path, monkeypatch):
    store.put(f"{root}x", b"old")

    def full(descriptor, data):
        os.write(descriptor, bytes(data)[:1])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("cloudlayer.storage.stores.file.store.write_all", full)
    with pytest.raises(QuotaError, match="make room"):
        store.put(f"{root}x", b"new")
    assert store.get(f"{root}x") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_what_is_put_is_on_the_disk_before_it_has_its_name(store, root, monkeypatch):
    done = []

    def noted(name):
        real = getattr(os, name)
        return lambda *arguments: (done.append(name), real(*arguments))[1]

    for name in ("fsync", "rename", "link"):
        monkeypatch.setattr(os, name, noted(name))
    store.put(f"{root}x", b"1")
    store.put(f"{root}y", b"1", PutOptions(if_absent=True))
    assert done == ["fsync", "rename", "fsync", "fsync", "link", "fsync"]


def test_two_puts_in_a_row_never_have_one_etag(store, root):
    etags = [store.put(f"{root}x", b"1").etag for _ in range(200)]
    assert len(set(etags)) == 200


def test_if_absent_and_if_match_hold_for_copies(store, root):
    source, there = store.put(f"{root}source", b"s"), store.put(f"{root}there", b"t")
    with pytest.raises(AlreadyExists):
        store.copy(f"{root}source", f"{root}there", PutOptions(if_absent=True))
    with pytest.raises(Changed):
        store.copy(f"{root}source", f"{root}there", PutOptions(if_match=source.etag))
    assert store.copy(f"{root}source", f"{root}there", PutOptions(if_match=there.etag)).size == 1
    assert store.get(f"{root}there") == b"s"


def test_a_file_that_is_written_to_while_it_is_copied_is_not_copied(store, root, tmp_path, monkeypatch):
    store.put(f"{root}source", b"12345")
    copy_all = writing.copy_all

    def slow(source, descriptor, size):
        copy_all(source, descriptor, size)
        (tmp_path / "source").write_bytes(b"54321")

    monkeypatch.setattr("cloudlayer.storage.stores.file.store.copy_all", slow)
    with pytest.raises(Changed, match="was written to while it was copied"):
        store.copy(f"{root}source", f"{root}target")
    assert listed(store, root)[0] == ["source"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_file_whose_status_cannot_be_had_is_told_and_not_taken_for_gone(store, root, monkeypatch, number):
    for name in ("a", "b", "c"):
        store.put(root + name, b"")
    status_of = listing._status

    def refused(entry):
        if entry.name == b"b":
            raise OSError(number, os.strerror(number))
        return status_of(entry)

    monkeypatch.setattr(listing, "_status", refused)
    assert listed(store, root) == (["a", "c"], [Fault(f"{root}b", f"may not be read: {os.strerror(number)}")])


def test_files_in_a_folder_that_may_be_listed_and_not_entered_are_told(store):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = f"{folder}/"[1:]
        for name in ("a", "sub/1"):
            store.put(root + name, b"")
        (Path(folder) / "sub").chmod(0o444)
        with somebody_else():
            assert listed(store, root) == (["a"], [Fault(f"{root}sub/1", "may not be read: Permission denied")])
        (Path(folder) / "sub").chmod(0o755)


def test_a_file_that_is_gone_by_the_time_of_its_look_is_left_out(store, root, monkeypatch):
    store.put(root + "a", b"")
    store.put(root + "b", b"")
    status_of = listing._status

    def late(entry):
        if entry.name == b"b":
            os.unlink(entry.path)  # noqa: PTH108 - a path of bytes, which pathlib has not
        return status_of(entry)

    monkeypatch.setattr(listing, "_status", late)
    assert listed(store, root) == (["a"], [])
