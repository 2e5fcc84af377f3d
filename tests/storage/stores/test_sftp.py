"""What sftp:// promises beyond the conformance suite, on OpenSSH's server."""

import os
import subprocess
from pathlib import Path

import pytest

from cloudlayer.errors import AuthError, CloudError, InvalidSpec, NotFound, TransientError
from cloudlayer.storage import registry
from cloudlayer.storage.checksums import crc32c
from tests.storage.servers_others import sshd  # noqa: F401

pytestmark = pytest.mark.objects
NAMES = (
    "sp ace",
    "ha#sh",
    "qu?ery",
    "per%20cent",
    "pl+us",
    "a%2Fb",
    "ü",
    "u\u0308",
    "日本",
    "🙂",
    "back\\slash",
    "new\nline",
    "a:b",
    "~",
)


@pytest.fixture
def place(sshd):  # noqa: F811
    return sshd.fresh()


@pytest.fixture
def store(place):
    made = place.connect()
    yield made
    made.close()


@pytest.fixture
def folder(place):
    """The folder as this machine sees it."""
    return Path(place.settings["root"])


def test_names_are_kept_as_they_are(store, folder):
    for name in NAMES:
        store.put(f"names/{name}", name.encode())
    assert sorted(path.name for path in (folder / "names").iterdir()) == sorted(NAMES)
    assert [store.get(f"names/{name}").decode() for name in NAMES] == list(NAMES)


def test_a_host_whose_key_is_not_known_is_refused_with_what_to_do(place, tmp_path):
    nothing = tmp_path / "known_hosts"
    nothing.write_text("")
    with pytest.raises(AuthError, match=r"ssh-keyscan -p .* >> ") as told:
        place.connect(known_hosts=str(nothing)).head("a")
    assert str(nothing) in str(told.value)
    assert nothing.read_text() == ""


def test_a_host_with_another_key_is_refused(place, tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    other = tmp_path / "known_hosts"
    host, _, port = place.authority.partition(":")
    other.write_text(f"[{host}]:{port} {' '.join(key.with_suffix('.pub').read_text().split()[:2])}\n")
    with pytest.raises(AuthError):
        place.connect(known_hosts=str(other)).head("a")


def test_a_known_hosts_that_is_not_there_is_refused(place, tmp_path):
    with pytest.raises(CloudError):
        place.connect(known_hosts=str(tmp_path / "none")).head("a")


def test_a_key_that_is_not_the_right_one_is_refused(place, tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with pytest.raises(AuthError):
        place.connect(key_file=str(key)).head("a")


def test_a_password_is_in_no_error(place):
    with pytest.raises(AuthError) as told:
        place.connect(key_file=None, password="correct horse").head("a")
    assert "correct horse" not in repr(told.value) + str(told.value)


def test_a_connection_that_was_lost_is_made_anew(store):
    store.put("a", b"kept")
    connection = store._tree._connection
    connection._thread._loop.call_soon_threadsafe(connection._ssh.abort)
    assert store.get("a") == b"kept"


def test_a_reader_keeps_the_file_that_it_opened(store):
    store.put("a", b"old" * 500_000)
    reader = store.open("a")
    store.put("a", b"new")
    assert b"".join(reader) == b"old" * 500_000
    assert store.get("a") == b"new"


def test_an_etag_differs_though_seconds_are_all_that_sftp_tells(store):
    etags = [store.put("a", bytes([number])).etag for number in range(4)]
    assert len(set(etags)) == 4


def test_what_is_no_file_is_told_by_lists_and_read_by_nobody(store, folder):
    store.put("real", b"bytes")
    store.put("folder/a", b"")
    (folder / "link to a file").symlink_to("real")
    (folder / "link to a folder").symlink_to("folder")
    (folder / "link to nothing").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    (folder / os.fsdecode(b"no-text-\xff")).write_bytes(b"")
    pages = list(store.list())
    assert [info.key for page in pages for info in page.objects] == ["folder/a", "link to a file", "real"]
    faults = {fault.key: fault.reason for page in pages for fault in page.faults}
    assert set(faults) == {"link to a folder", "link to nothing", "pipe", "no-text-\ufffd"}
    with pytest.raises(NotFound):
        store.get("pipe")


def test_deleting_a_key_never_deletes_a_folder(store, folder):
    (folder / "empty").mkdir()
    store.delete("empty")
    assert (folder / "empty").is_dir()


def test_an_upload_whose_last_part_broke_off_goes_on_from_the_part_before(store):
    first = store.upload("large")
    part = bytes(range(256)) * (first.part_size // 256)
    first.part(1, part)
    first.part(2, b"half of a part")
    again = store.upload("large", resume=first.id)
    assert dict(again.have()) == {1: crc32c(part)}
    again.part(2, b"the end")
    whole = part + b"the end"
    again.complete(size=len(whole), crc32c=crc32c(whole))
    assert store.get("large") == whole


def test_a_put_that_fails_leaves_nothing(store, folder):
    store.put("a", b"file")
    with pytest.raises(CloudError):
        store.put("a/b", b"")
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_nobody_there_is_an_error_that_may_go_away(place):
    with pytest.raises(TransientError):
        registry.connect("sftp", "127.0.0.1:1", "sftp", place.settings).head("a")


def test_a_host_that_is_none_is_refused():
    for authority in ("", "user@", "host:port"):
        with pytest.raises(InvalidSpec):
            registry.connect("sftp", authority, "sftp", {})
