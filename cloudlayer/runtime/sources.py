"""Source folders as content-addressed snapshots: what runs is what was deployed, whatever happens to the folder meanwhile.

A snapshot lies at `CACHE/sources/DIGEST`, readable by every user of the machine and writable by none but its owner.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import py_compile
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError, InvalidSpec
from cloudlayer.runtime.files import made_beside, settle

WORKER_NAME: Final = "cloudlayer_worker"
_WORKER: Final = Path(__file__).parent / "worker"
_ROUTER: Final = Path(__file__).parent / "router"
_SKIPPED: Final = frozenset(
    {"__pycache__", ".git", ".hg", ".svn", ".venv", "venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)


def source_files(folder: Path) -> list[Path]:
    """The files of a source folder that belong to it, relative and sorted. InvalidSpec for what cannot be copied."""
    try:
        return sorted(path.relative_to(folder) for path in _walk(folder))
    except OSError as error:
        raise InvalidSpec(f"{folder}: cannot be read: {error.strerror}; name a folder that can") from None


def source_digest(folder: Path) -> str:
    """A hash (hex) of the names, modes and contents of a source folder."""
    total = hashlib.sha256()
    for name in source_files(folder):
        path = folder / name
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        executable = "x" if path.stat().st_mode & stat.S_IXUSR else "-"
        total.update(f"{len(str(name))}:{name}:{executable}:{content}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def snapshot(folder: Path, cache: Path, digest: str = "") -> Path:
    """The snapshot of a source folder under `cache`, made if it is not there.

    `digest` names the content that is wanted; a snapshot of it is used without a look at the folder, and EngineError tells
    when there is none and the folder has changed.
    """
    if digest and (kept := _place(cache, digest)).is_dir():
        return kept
    with made_beside(cache / "sources") as made:
        _copy(folder, made)
        found = source_digest(made)
        if digest and found != digest:
            raise EngineError(f"{folder} has changed since it was deployed: deploy it again")
        return settle(made, _place(cache, found))


def worker_snapshot(cache: Path, **others: Path) -> Path:
    """The folder, under `cache`, to put on Python's path so that it finds the worker as `cloudlayer_worker`.

    `others` are more packages to find there: name and folder.
    """
    with made_beside(cache / "workers") as made:
        for name, folder in {WORKER_NAME: _WORKER, **others}.items():
            _copy(folder, made / name)
        made.chmod(0o755)
        return settle(made, cache / "workers" / source_digest(made)[:16])


def router_snapshot(cache: Path) -> Path:
    """The folder, under `cache`, to put on Python's path so that it finds the router as `cloudlayer_machine.router`."""
    with made_beside(cache / "routers") as made:
        for name in (_WORKER, _ROUTER):
            _copy(name, made / "cloudlayer_machine" / name.name)
        return settle(made, cache / "routers" / source_digest(made)[:16])


def worker_files() -> dict[str, bytes]:
    """The worker's files by their path below the folder to put on Python's path."""
    return {f"{WORKER_NAME}/{name}": (_WORKER / name).read_bytes() for name in source_files(_WORKER)}


def _place(cache: Path, digest: str) -> Path:
    return cache / "sources" / digest


def _walk(folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        path = Path(entry.path)
        if entry.name in _SKIPPED or entry.name.endswith(".pyc"):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path)
        elif entry.is_file(follow_symlinks=False):
            yield path
        else:
            raise InvalidSpec(f"{path}: is a link or a special file; a source folder holds plain files alone: put a copy there")


def _copy(folder: Path, target: Path) -> None:
    for name in source_files(folder):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, copy)
        executable = (folder / name).stat().st_mode & stat.S_IXUSR
        copy.chmod(0o755 if executable else 0o644)
    # A snapshot cannot be written by those who run it, so what Python would keep beside it is made now, for this Python.
    compileall.compile_dir(target, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o644))
