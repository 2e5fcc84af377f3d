"""Keys are made once, lie in files for their owner alone, and a machine is known by what was pinned for it."""

import os
import stat
import subprocess
import threading

import pytest

from cloudlayer.errors import EngineError
from cloudlayer.fleet.keys import Keys


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path / "keys" / "fleet")


def test_a_fleet_has_one_key_whoever_asks_for_it(keys, tmp_path):
    assert keys.private().read_text() == Keys(tmp_path / "keys" / "fleet").private().read_text()
    assert keys.public().startswith("ssh-ed25519 AAAA")
    told = subprocess.run(["ssh-keygen", "-y", "-f", keys.private()], capture_output=True, text=True, check=True).stdout
    assert told.split()[:2] == keys.public().split()


def test_of_several_that_make_it_at_once_one_wins(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(Keys(tmp_path / "k").boot("batch"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({key.private for key in found}) == len({key.public for key in found}) == 1


def test_a_key_is_on_the_disk_before_it_counts(keys, monkeypatch):
    settled, fsync = set(), os.fsync

    def watched(descriptor):
        settled.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    path = keys.private()
    assert {path.stat().st_ino, path.parent.stat().st_ino} <= settled


def test_all_of_it_is_for_its_owner_alone(keys, tmp_path):
    keys.public()
    keys.pin_first("m1", keys.boot("batch").public)
    paths = list((tmp_path / "keys" / "fleet").rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}


def test_each_batch_has_a_first_host_key_of_its_own_which_is_forgotten_once_it_is_made(keys, tmp_path):
    first = keys.boot("one")
    assert first == keys.boot("one") != keys.boot("two")
    assert "PRIVATE" in first.private
    assert "PRIVATE" not in repr(first)
    keys.forget_boot("one")
    keys.forget_boot("one")
    assert not list((tmp_path / "keys").rglob("one*"))


def test_a_first_host_key_counts_until_another_takes_its_place(keys):
    keys.pin_first("m1", "ssh-ed25519 AAAA1")
    assert keys.is_first("m1")
    keys.pin("m1", ("ssh-ed25519 AAAA1", "ssh-ed25519 AAAA2 comment"))
    assert keys.is_first("m1"), "the change may have been broken off"
    assert keys.pinned("m1") == ("ssh-ed25519 AAAA1", "ssh-ed25519 AAAA2")
    keys.pin("m1", ("ssh-ed25519 AAAA2",))
    assert not keys.is_first("m1")
    keys.pin_first("m1", "ssh-ed25519 AAAA1")
    assert keys.pinned("m1") == ("ssh-ed25519 AAAA2",), "a create that is repeated does not bring the first one back"


def test_a_machine_that_is_gone_is_not_known_any_more(keys):
    keys.pin_first("m1", "ssh-ed25519 AAAA1")
    keys.forget("m1")
    keys.forget("m1")
    assert keys.pinned("m1") == ()


def test_without_openssh_the_mend_is_told(keys, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineError, match="install OpenSSH"):
        keys.public()
