"""What runs is what was deployed: snapshots of source folders."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.errors import EngineError, InvalidSpec
from cloudlayer.runtime.sources import snapshot, source_digest, worker_files, worker_snapshot


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "data").mkdir(parents=True)
    (folder / "served.py").write_text("def apply(input): ...\n")
    (folder / "data" / "words").write_bytes(b"\0\xff")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o700)
    return folder


def test_a_snapshot_has_the_same_files_and_can_be_read_by_all_and_written_by_none(source: Path, tmp_path: Path) -> None:
    made = snapshot(source, tmp_path / "cache")
    assert made == tmp_path / "cache" / "sources" / source_digest(source)
    assert (made / "data" / "words").read_bytes() == b"\0\xff"
    modes = {name: (made / name).stat().st_mode & 0o777 for name in ("served.py", "data", "run", ".")}
    assert modes == {"served.py": 0o644, "data": 0o755, "run": 0o755, ".": 0o755}


def test_a_snapshot_outlives_changes_of_its_folder(source: Path, tmp_path: Path) -> None:
    digest = source_digest(source)
    made = snapshot(source, tmp_path)
    (source / "served.py").write_text("changed")
    assert snapshot(source, tmp_path, digest) == made
    assert (made / "served.py").read_text() == "def apply(input): ...\n"
    assert snapshot(source, tmp_path) != made


def test_a_folder_that_changed_before_its_snapshot_was_made_is_told(source: Path, tmp_path: Path) -> None:
    digest = source_digest(source)
    (source / "served.py").write_text("changed")
    with pytest.raises(EngineError, match="deploy it again"):
        snapshot(source, tmp_path, digest)
    assert list((tmp_path / "sources").iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda source: (source / "served.py").write_text("x"),
        lambda source: (source / "served.py").rename(source / "other.py"),
        lambda source: (source / "served.py").chmod(0o755),
        lambda source: (source / "more").write_text(""),
        lambda source: (source / "run").unlink(),
    ],
)
def test_every_change_of_content_name_or_mode_changes_the_digest(source: Path, change) -> None:
    before = source_digest(source)
    change(source)
    assert source_digest(source) != before


def test_what_tools_leave_behind_changes_nothing(source: Path, tmp_path: Path) -> None:
    before = source_digest(source)
    for name in ("__pycache__", ".git", ".venv"):
        (source / name).mkdir()
        (source / name / "x.py").write_text("x")
    (source / "x.pyc").write_bytes(b"x")
    os.utime(source / "served.py", (1, 1))
    assert source_digest(source) == before
    assert sorted(path.name for path in snapshot(source, tmp_path / "cache").iterdir()) == [
        "__pycache__",
        "data",
        "run",
        "served.py",
    ]


@settings(max_examples=30, deadline=None)
@given(
    files=st.dictionaries(
        st.text("abc.-_ü", min_size=1, max_size=6).filter(lambda name: name.strip(".")), st.binary(max_size=20), max_size=4
    )
)
def test_a_snapshot_has_the_digest_of_its_folder(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("source")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    cache = tmp_path_factory.mktemp("cache")
    assert source_digest(snapshot(folder, cache)) == source_digest(folder)


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/passwd"), os.mkfifo])
def test_links_and_special_files_are_refused(source: Path, make) -> None:
    make(source / "odd")
    with pytest.raises(InvalidSpec, match="put a copy there"):
        source_digest(source)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="cannot be read"):
        snapshot(tmp_path / "nowhere", tmp_path / "cache")


def test_many_at_once_make_one_snapshot(source: Path, tmp_path: Path) -> None:
    made: list[Path] = []
    threads = [threading.Thread(target=lambda: made.append(snapshot(source, tmp_path / "cache"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(set(made))) == (8, 1)
    assert [path.name for path in (tmp_path / "cache" / "sources").iterdir()] == [source_digest(source)]


def test_the_worker_is_found_under_its_name(tmp_path: Path) -> None:
    folder = worker_snapshot(tmp_path)
    assert worker_snapshot(tmp_path) == folder
    for name, content in worker_files().items():
        assert (folder / name).read_bytes() == content
    assert "cloudlayer_worker/server.py" in worker_files()
    tag = sys.implementation.cache_tag
    assert (folder / "cloudlayer_worker" / "__pycache__" / f"server.{tag}.pyc").stat().st_mode & 0o044 == 0o044
