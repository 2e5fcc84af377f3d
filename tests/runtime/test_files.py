"""A file is written whole or not at all."""

import os

import pytest

from cloudlayer.runtime.files import replace


@pytest.mark.parametrize("lasting", [True, False])
@pytest.mark.parametrize("content", ["new", b"new"])
def test_what_was_there_is_replaced_and_nothing_is_left_beside_it(tmp_path, content, lasting):
    path = tmp_path / "file"
    path.write_text("old and longer")
    replace(path, content, lasting=lasting)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_the_mode_is_as_asked_for_whatever_the_umask(tmp_path, mode):
    before = os.umask(0o077)
    try:
        replace(tmp_path / "file", "x", mode)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_a_write_that_fails_leaves_the_old_content_and_no_draft(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        replace(tmp_path / "absent" / "file", "x")
