"""What an image of a source folder is built from: a Dockerfile and its context, the same bytes for the same content.

What changes least lies lowest, so that a version that differs from the last one in a line of code shares all but a few
kilobytes with it: packages and the worker, which together are the environment, then the source's large files, each in a
layer of its own, and last the code.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from cloudlayer.runtime.chunks import readable
from cloudlayer.runtime.sources import source_files, worker_files

REPOSITORY: Final = "cloudlayer/function"
ENVIRONMENT: Final = "cloudlayer/environment"
REQUIREMENTS: Final = "requirements.txt"
MADE_BY: Final = "cloudlayer-function"
"""The label of an image that we built, and of what runs for a build."""
PART: Final = "cloudlayer-part"
"""The label of an image that is the lower part of another."""

# What is asked of a base image. Its answer is a line of JSON with the fields of Base.
PROBE: Final = (
    "import importlib.util as i, json, site, sys; "
    "print(json.dumps({'version': '%d.%d' % sys.version_info[:2], 'pip': i.find_spec('pip') is not None, "
    "'packages': site.getsitepackages()[0]}))"
)

# Compiled beforehand, since a container, which can write nothing, would compile anew at every start.
COMPILE: Final = (
    "import compileall, py_compile, sys; "
    "mode = py_compile.PycInvalidationMode.UNCHECKED_HASH; "
    "[compileall.compile_dir(folder, quiet=2, invalidation_mode=mode) for folder in sys.argv[1:]]"
)


_LARGE: Final = 1024**2
"""Bytes from which on a file is not with the code."""
_VERY_LARGE: Final = 32 * 1024**2
"""Bytes from which on it has a layer of its own, for _MOST_ALONE files."""
_MOST_ALONE: Final = 6
_CHUNK: Final = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Base:
    """A base image's Python: its version ("3.11"), whether it has pip, and its folder of packages."""

    version: str
    pip: bool
    packages: str


def tag_of(base_image: str, source_digest: str) -> str:
    """The image's name: it changes with the base, the worker, the source, and the way of building."""
    total = hashlib.sha256()
    recipe = dockerfile(base_image, Base("", False, "/"), requirements=True) + dockerfile(
        "", Base("", True, "/"), requirements=True
    )
    for part in (base_image, source_digest, recipe, _layering()):
        total.update(f"{len(part)}:{part}".encode())
    for name, content in sorted(worker_files().items()):
        total.update(f"{name}:{len(content)}:".encode() + content)
    return f"{REPOSITORY}:{total.hexdigest()}"


def environment_of(recipe: str, requirements: Mapping[str, bytes]) -> str:
    """The name of an environment: it changes with its recipe, which names the base, with the worker, and what is required."""
    total = hashlib.sha256(recipe.encode())
    for name, content in sorted({**worker_files(), **requirements}.items()):
        total.update(f"{name}:{len(content)}:".encode() + content)
    return f"{ENVIRONMENT}:{total.hexdigest()}"


def required(source: Path) -> dict[str, bytes]:
    """The files of a source folder that say what is required, by name."""
    return {path.name: path.read_bytes() for path in sorted(source.glob("requirements*.txt"))}


def large_files(source: Path) -> list[list[Path]]:
    """The files of a source that are not with its code, by the layer that they are in, lowest first."""
    sized = [((source / path).stat().st_size, path) for path in source_files(source) if path.suffix != ".py"]
    large = sorted(((size, path) for size, path in sized if size >= _LARGE), key=lambda each: (-each[0], each[1]))
    alone = [path for size, path in large if size >= _VERY_LARGE][:_MOST_ALONE]
    others = [path for _, path in large if path not in alone]
    return [[path] for path in alone] + ([sorted(others)] if others else [])


def dockerfile(base_image: str, base: Base, *, requirements: bool, large: int = 0) -> str:
    """The recipe of a whole image, with `large` layers of large files."""
    lines = [
        *(f"COPY large{number} ./" for number in range(large)),
        "COPY function ./",
        f"RUN {json.dumps(['python3', '-c', COMPILE, '/function'])}",
    ]
    return environment(base_image, base, requirements=requirements) + "\n".join(lines) + "\n"


def environment(base_image: str, base: Base, *, requirements: bool) -> str:
    """The recipe of all but the source, so that a change of the source does not fetch requirements again."""
    lines = [f"FROM {base_image}", "USER 0", "WORKDIR /function"]
    if requirements and base.pip:
        install = ["python3", "-m", "pip", "install", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
        lines += [
            "ARG PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore",
            "COPY function/requirements*.txt ./",
            f"RUN {json.dumps([*install, '-r', REQUIREMENTS])}",
        ]
    if requirements and not base.pip:
        lines.append(f"COPY packages {base.packages}")
    lines += [
        f"COPY worker {base.packages}",
        f"RUN {json.dumps(['python3', '-c', COMPILE, base.packages])}",
        # A function's own files must not hide the modules that the worker needs.
        "ENV HOST=0.0.0.0 PYTHONSAFEPATH=1",
        "ENTRYPOINT []",
        f"CMD {json.dumps(['python3', '-m', 'cloudlayer_worker', '/function'])}",
    ]
    return "\n".join(lines) + "\n"


def write_context(target: IO[bytes], recipe: str, source: Path, packages: Path | None) -> None:
    """Write the context as a tar archive: recipe, worker, source, and packages where they were fetched on this host."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add_environment(archive, recipe, packages)
        for number, files in enumerate(large_files(source)):
            _add_folder(archive, f"large{number}", source, files)
        _add_folder(archive, "function", source, code_files(source))


def write_environment(target: IO[bytes], recipe: str, requirements: Mapping[str, bytes], packages: Path | None) -> None:
    """Write the context of an environment."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add_environment(archive, recipe, packages)
        for name, content in requirements.items():
            _add(archive, f"function/{name}", content)


def layer_of(source: Path, files: Iterable[Path]) -> Iterator[bytes]:
    """The layer that unpacks to files of a source in /function, chunk by chunk. The same bytes for the same files."""
    files = list(files)
    for entry in _folders("function", files):
        yield entry.tobuf(tarfile.PAX_FORMAT)
    for path in files:
        with (source / path).open("rb") as file:
            entry = _file_entry("function", source, path)
            yield entry.tobuf(tarfile.PAX_FORMAT)
            while chunk := file.read(_CHUNK):
                yield chunk
            yield bytes(-entry.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def normalized(chunks: Iterable[bytes], target: IO[bytes]) -> None:
    """Write an archive that an engine made of a folder as a layer, without owners and times."""
    with (
        tarfile.open(fileobj=readable(chunks), mode="r|") as archive,
        tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as layer,
    ):
        for member in archive:
            if member.isdir():
                layer.addfile(_entry(member.name.rstrip("/"), 0, tarfile.DIRTYPE, 0o755))
            elif member.isreg():
                mode = 0o755 if member.mode & 0o100 else 0o644
                layer.addfile(_entry(member.name, member.size, tarfile.REGTYPE, mode), archive.extractfile(member))


def code_files(source: Path) -> list[Path]:
    """The files of a source that are in no layer of large files."""
    return sorted(set(source_files(source)).difference(*large_files(source)))


def _add_environment(archive: tarfile.TarFile, recipe: str, packages: Path | None) -> None:
    _add(archive, "Dockerfile", recipe.encode())
    for name, content in sorted(worker_files().items()):
        _add(archive, f"worker/{name}", content)
    if packages is not None:
        _add_folder(archive, "packages", packages, _all_files(packages))


def _layering() -> str:
    return f"{_LARGE} {_VERY_LARGE} {_MOST_ALONE}"


def _all_files(folder: Path) -> list[Path]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path.parts)


def _add_folder(archive: tarfile.TarFile, name: str, folder: Path, files: Iterable[Path]) -> None:
    files = list(files)
    for entry in _folders(name, files):
        archive.addfile(entry)
    for path in files:
        with (folder / path).open("rb") as file:
            archive.addfile(_file_entry(name, folder, path), file)


def _folders(name: str, files: Iterable[Path]) -> Iterator[tarfile.TarInfo]:
    """The folders of files; an engine would make them with modes of its own."""
    inner = {parent for path in files for parent in path.parents}
    for folder in sorted({Path(), *inner}):
        yield _entry(str(name / folder), 0, tarfile.DIRTYPE, 0o755)


def _file_entry(name: str, folder: Path, path: Path) -> tarfile.TarInfo:
    status = (folder / path).stat()
    mode = 0o755 if status.st_mode & 0o100 else 0o644
    return _entry(f"{name}/{path}", status.st_size, tarfile.REGTYPE, mode)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_entry(name, len(content), tarfile.REGTYPE, 0o644), io.BytesIO(content))


def _entry(name: str, size: int, kind: bytes, mode: int) -> tarfile.TarInfo:
    """An entry without owner and time."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.mode = size, kind, mode
    return entry
