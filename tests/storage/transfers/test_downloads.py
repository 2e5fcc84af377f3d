import os

import pytest

from cloudlayer.errors import Changed, Conflict, IntegrityError, InvalidSpec, NotFound, TransientError
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.transfers import download_file, journal
from cloudlayer.storage.transfers.buffers import SMALL

STARTS = [number * SMALL for number in range(6)]


@pytest.mark.parametrize("size", [0, 1, SMALL, SMALL + 1, 2 * SMALL, 3 * SMALL + 17])
def test_an_object_of_any_size_is_got_as_it_is(store, tmp_path, size):
    data, told = os.urandom(size), []
    store.put("key", data)
    info = download_file(store, "key", tmp_path / "new" / "folder" / "file", progress=told.append)
    assert ((tmp_path / "new" / "folder" / "file").read_bytes() == data, info.size, sum(told)) == (True, size, size)
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["file"]


@pytest.fixture
def data(store):
    data = os.urandom(STARTS[-1] + 17)
    store.put("key", data)
    return data


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    path.write_bytes(b"old")
    path.chmod(0o640)
    return path


def broken_off(store, target, after=2):
    store.break_after = after
    with pytest.raises(TransientError):
        download_file(store, "key", target)
    got, store.break_after = list(store.ranges), None
    store.ranges.clear()
    return got


def beside(target):
    return [path for path in target.parent.iterdir() if path != target]


def test_after_a_broken_connection_only_what_is_missing_is_got(store, data, target):
    got = broken_off(store, target)
    assert target.read_bytes() == b"old"
    download_file(store, "key", target)
    assert sorted(got + store.ranges) == STARTS
    assert (target.read_bytes() == data, beside(target), target.stat().st_mode & 0o777) == (True, [], 0o640)


def test_what_the_disk_has_lost_since_is_got_again(store, data, target):
    got = broken_off(store, target)
    (temporary,) = beside(target)
    with temporary.open("r+b") as file:
        file.seek(got[0] + 3)
        file.write(bytes(100))
    download_file(store, "key", target)
    assert sorted(store.ranges) == sorted(set(STARTS) - set(got) | {got[0]})
    assert target.read_bytes() == data


def test_lines_that_a_full_disk_broke_off_are_passed_over(store, data, target, home):
    got = broken_off(store, target)
    (entry,) = (home / "transfers" / "downloads").iterdir()
    with entry.open("a") as file:
        file.write("3 122 77\n4\nx y\n")
    download_file(store, "key", target)
    assert sorted(got + store.ranges) == STARTS
    assert target.read_bytes() == data


def test_a_journal_that_is_none_is_begun_anew(store, data, target, home):
    for text in (b"[]\n1 2\n", b"{\n", b"\xff\xfe\n"):
        broken_off(store, target)
        (entry,) = (home / "transfers" / "downloads").iterdir()
        entry.write_bytes(text)
        download_file(store, "key", target)
        assert (sorted(store.ranges), target.read_bytes() == data) == (STARTS, True)
        store.ranges.clear()


def test_what_takes_the_place_of_a_secret_is_one_while_it_arrives(store, data, target):
    target.chmod(0o600)
    modes = set()
    progress = lambda _: modes.update(path.stat().st_mode & 0o777 for path in [*beside(target), target])  # noqa: E731
    download_file(store, "key", target, progress=progress)
    assert modes == {0o600}


def test_what_an_earlier_try_left_for_all_to_read_is_closed_before_it_goes_on(store, data, target):
    target.unlink()
    broken_off(store, target)
    (temporary,) = beside(target)
    temporary.chmod(0o644)
    target.write_bytes(b"secret")
    target.chmod(0o600)
    store.before_range = lambda: modes.add(temporary.stat().st_mode & 0o777)
    modes = set()
    download_file(store, "key", target)
    assert (modes, target.read_bytes() == data) == ({0o600}, True)


def test_nothing_of_another_version_is_used(store, data, target):
    broken_off(store, target)
    newer = os.urandom(len(data))
    store.put("key", newer)
    download_file(store, "key", target)
    assert (sorted(store.ranges), target.read_bytes() == newer, beside(target)) == (STARTS, True, [])


def test_an_object_that_is_replaced_meanwhile_is_never_mixed_with_the_new_one(store, data, target):
    store.before_range = lambda: store.ranges and store.put("key", bytes(len(data)))
    with pytest.raises(Changed):
        download_file(store, "key", target)
    assert (target.read_bytes(), beside(target)) == (b"old", [])


def test_bytes_that_are_not_those_that_were_put_are_not_used(store, data, target):
    get = store.get

    def flipped(key, *, start=None, end=None, if_match=None):
        got = get(key, start=start, end=end, if_match=if_match)
        return bytes([got[0] ^ 1]) + got[1:] if start == STARTS[2] else got

    store.get = flipped
    with pytest.raises(IntegrityError):
        download_file(store, "key", target)
    assert (target.read_bytes(), beside(target)) == (b"old", [])


def test_a_range_that_comes_short_is_not_used(store, data, target):
    get = store.get
    store.get = lambda key, **named: get(key, **named)[:-1]
    with pytest.raises(IntegrityError):
        download_file(store, "key", target)
    assert target.read_bytes() == b"old"


def test_two_processes_may_get_the_same_object_at_once(store, data, target):
    with journal.entry("downloads", f"{store.uri}key", str(target)) as held:
        assert held is not None
        download_file(store, "key", target)
    assert (target.read_bytes() == data, beside(target)) == (True, [])


def test_nothing_is_remembered_of_what_has_ended(store, data, target, home):
    download_file(store, "key", target)
    assert list((home / "transfers" / "downloads").iterdir()) == []


def test_a_name_as_long_as_may_be_is_no_fault(store, data, tmp_path):
    path = tmp_path / ("ä" * 127)
    download_file(store, "key", path)
    assert crc32c(path.read_bytes()) == crc32c(data)


def test_what_stands_in_the_way_is_told(store, data, target, tmp_path):
    with pytest.raises(InvalidSpec, match="is a folder: name a file in it"):
        download_file(store, "key", tmp_path)
    with pytest.raises(Conflict, match="a file is where a folder is wanted"):
        download_file(store, "key", target / "below")
    with pytest.raises(NotFound):
        download_file(store, "none", target)
    assert target.read_bytes() == b"old"
