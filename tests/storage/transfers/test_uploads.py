import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cloudlayer.errors import AlreadyExists, Changed, InvalidSpec, NotFound, PermissionDenied, TransientError
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import PutOptions
from cloudlayer.storage.transfers import download_file, journal, upload_file, upload_stream
from cloudlayer.storage.transfers.buffers import BUFFERS, LIMIT, SMALL
from cloudlayer.units import MIB

PARTS = [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("size", [0, 1, SMALL, SMALL + 1, 2 * SMALL, 3 * SMALL + 17])
def test_a_file_of_any_size_is_put_as_it_is(store, tmp_path, size):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size))
    told = []
    info = upload_file(store, "key", path, PutOptions(content_type="a/b", metadata={"x": "y"}), progress=told.append)
    assert store.get("key") == path.read_bytes()
    assert (info.size, info.crc32c, sum(told)) == (size, crc32c(path.read_bytes()), size)
    assert (store.head("key").content_type, store.head("key").metadata) == ("a/b", {"x": "y"})
    assert list(store.uploads()) == []


@pytest.mark.parametrize("piece", [1 * MIB + 1, SMALL, 30 * MIB])
@pytest.mark.parametrize("size", [0, 5, SMALL, SMALL + 1, 2 * SMALL, 3 * SMALL + 17])
def test_a_stream_in_pieces_of_any_size_is_put_as_it_is(store, size, piece):
    data = os.urandom(size)
    info = upload_stream(store, "key", (data[at : at + piece] for at in range(0, size, piece)))
    assert (store.get("key") == data, info.size, info.crc32c) == (True, size, crc32c(data))


def test_small_files_go_in_one_request(store, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"some")
    upload_file(store, "key", path)
    upload_stream(store, "other", [b"some"])
    assert "uploads" not in store.calls
    assert store.parts == []


def test_parts_go_in_order_where_the_store_wants_that(store, large):
    store.capabilities.items["parallel_parts"] = replace(store.capabilities["parallel_parts"], supported=False)
    upload_file(store, "key", large)
    upload_stream(store, "stream", [large.read_bytes()])
    assert store.parts == [*PARTS, *PARTS]


def broken_off(store, large, after=2):
    store.break_after = after
    with pytest.raises(TransientError):
        upload_file(store, "key", large)
    sent, store.break_after = list(store.parts), None
    store.parts.clear()
    return sent


def test_after_a_broken_connection_only_what_is_missing_is_sent(store, large):
    sent = broken_off(store, large)
    info = upload_file(store, "key", large)
    assert sorted(sent + store.parts) == PARTS
    assert (store.get("key") == large.read_bytes(), info.crc32c) == (True, crc32c(large.read_bytes()))


def test_a_part_that_is_no_longer_equal_is_sent_again_though_size_and_time_are_the_same(store, large):
    status = large.stat()
    (first, *_) = sent = broken_off(store, large)
    with large.open("r+b") as file:
        file.seek((first - 1) * SMALL + 5)
        file.write(b"otherwise")
    os.utime(large, ns=(status.st_atime_ns, status.st_mtime_ns))
    upload_file(store, "key", large)
    assert sorted(store.parts) == sorted(set(PARTS) - set(sent) | {first})
    assert store.get("key") == large.read_bytes()


def test_where_parts_go_in_order_the_next_try_begins_anew_if_one_is_no_longer_equal(files, tmp_path, large, monkeypatch):
    target, key = tmp_path / "target", str(tmp_path / "target")[1:]
    status = large.stat()
    upload = files.upload(key, size=status.st_size)
    upload.part(1, bytes(upload.part_size))
    with journal.entry("uploads", str(large), files.uri + key) as entry:
        version = f"{status.st_size} {status.st_mtime_ns} {status.st_dev} {status.st_ino}"
        what = {"version": version, "options": [False, None, None, {}, {}]}
        entry.begin({**what, "upload": upload.id})
    upload_file(files, key, large)
    assert target.read_bytes() == large.read_bytes()
    assert list(files.uploads(key)) == []


def test_what_another_version_of_the_file_has_sent_is_thrown_away(store, large):
    broken_off(store, large)
    large.write_bytes(os.urandom(large.stat().st_size))
    upload_file(store, "key", large)
    assert sorted(store.parts) == PARTS
    assert list(store.uploads()) == []


def test_other_options_begin_anew(store, large):
    broken_off(store, large)
    upload_file(store, "key", large, PutOptions(content_type="a/b"))
    assert (sorted(store.parts), store.head("key").content_type) == (PARTS, "a/b")
    assert list(store.uploads()) == []


def test_an_upload_that_the_store_has_no_more_is_begun_anew(store, large):
    broken_off(store, large)
    for upload in store.uploads():
        store.discard(upload)
    upload_file(store, "key", large)
    assert sorted(store.parts) == PARTS


def test_two_processes_may_send_the_same_file_at_once(store, large):
    with journal.entry("uploads", str(large), f"{store.uri}key") as held:
        assert held is not None
        upload_file(store, "key", large)
    assert store.get("key") == large.read_bytes()


def test_nothing_is_remembered_of_what_has_ended(store, large, home):
    upload_file(store, "key", large)
    assert list((home / "transfers" / "uploads").iterdir()) == []


@pytest.mark.parametrize("home_is", ["a file", "missing"])
def test_where_nothing_can_be_remembered_transfers_are_made_all_the_same(store, large, home, tmp_path, monkeypatch, home_is):
    if home_is == "a file":
        home.write_text("in the way")
    else:
        monkeypatch.delenv("CLOUDLAYER_HOME")
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("Could not determine home directory.")))
    upload_file(store, "key", large)
    download_file(store, "key", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def test_a_disk_that_is_full_for_the_journal_stops_no_transfer(store, large, tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal.os, "write", full)
    upload_file(store, "key", large)
    download_file(store, "key", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def test_what_is_remembered_tells_no_uri(store, large, home):
    """A URL's query may be a signature."""
    broken_off(store, large)
    (entry,) = (home / "transfers" / "uploads").iterdir()
    assert store.uri not in entry.read_text()
    assert store.uri not in entry.name


def test_a_file_that_is_written_to_while_it_is_read_is_not_put(store, large):
    store.put("key", b"old")

    def grow():
        with large.open("ab") as file:
            file.write(b"more")

    store.before_part = grow
    with pytest.raises(Changed, match="changed while it was read"):
        upload_file(store, "key", large)
    assert (store.get("key"), list(store.uploads())) == (b"old", [])


def test_a_file_that_becomes_shorter_is_not_put(store, large):
    store.before_part = lambda: os.truncate(large, 100)
    with pytest.raises(Changed):
        upload_file(store, "key", large)
    assert list(store.uploads()) == []


def test_an_object_that_came_first_stays_and_the_parts_are_thrown_away(store, large):
    store.before_part = lambda: store.put("key", b"first")
    with pytest.raises(AlreadyExists):
        upload_file(store, "key", large, PutOptions(if_absent=True))
    assert (store.get("key"), list(store.uploads())) == (b"first", [])


def test_a_stream_that_raises_puts_nothing(store):
    def chunks():
        yield bytes(3 * SMALL)
        raise RuntimeError("the pump broke")

    with pytest.raises(RuntimeError, match="the pump broke"):
        upload_stream(store, "key", chunks())
    assert (list(store.uploads()), [page for page in store.list() if page.objects]) == ([], [])


def test_streams_that_wait_for_their_writers_hold_nobody_up(store):
    """More of them than the memory of all transfers would have parts for."""
    idle, go_on = [threading.Event() for _ in range(LIMIT // SMALL + 1)], threading.Event()

    def waiting(event):
        yield bytes(SMALL + 1)
        event.set()
        assert go_on.wait(60)
        yield b"end"

    with ThreadPoolExecutor(len(idle) + 1) as pool:
        streams = [pool.submit(upload_stream, store, f"idle/{n}", waiting(event)) for n, event in enumerate(idle)]
        try:
            assert all(event.wait(20) for event in idle)
            one = pool.submit(upload_stream, store, "key", [bytes(3 * SMALL)])
            assert one.result(20).size == 3 * SMALL
        finally:
            go_on.set()
        assert [stream.result(20).size for stream in streams] == [SMALL + 4] * len(idle)
    assert BUFFERS._used == 0


def test_what_is_no_file_that_can_be_read_is_told(store, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidSpec, match="is no regular file"):
        upload_file(store, "key", tmp_path / "pipe")
    with pytest.raises(InvalidSpec, match="is no regular file"):
        upload_file(store, "key", tmp_path)
    with pytest.raises(NotFound, match="is not there"):
        upload_file(store, "key", tmp_path / "none")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(store, tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(PermissionDenied, match="may not be read"):
        upload_file(store, "key", path)
