"""Models in a cache on this machine."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Final

from cloudlayer.errors import Changed, CloudError, EngineError, TransientError
from cloudlayer.interfaces import Deadline, Model
from cloudlayer.runtime.files import alone, made_beside, settle

KEEPING: Final = "waiting for unused models to be removed"
_PIECE: Final = 1024**2


def file_id(model: Model) -> str:
    """What a model's content is called, whatever its name: another etag, size or sum is another content."""
    return _digest([model.uri, model.etag, model.size, model.crc32c])


def set_id(models: Sequence[Model]) -> str:
    """What a version's models are called together."""
    return _digest([astuple(model) for model in models])


def models_folder(models: Sequence[Model], cache: Path, deadline: Deadline | None = None) -> Path:
    """The folder in which each of `models` lies by its name; what is not there yet is fetched now.

    EngineError where an object is not there, or is not the one that was deployed, any more; TransientError where its store
    cannot be reached.
    """
    place = cache / "models/sets" / set_id(models)
    if mark_used(place, deadline):
        return place
    contents = {model.name: _content(model, cache, deadline) for model in models}
    return _settled(contents, place)


def mark_used(place: Path, deadline: Deadline | None) -> bool:
    """Keep a version's models from being removed as unused for a while; False if they are not there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with alone(place.parents[1] / "lock", KEEPING, deadline):
        try:
            os.utime(place)
        except FileNotFoundError:
            return False
    return True


def content_file(model: Model, cache: Path) -> Path:
    """Where a model's content lies in the cache."""
    return cache / "models/files" / file_id(model)


def _content(model: Model, cache: Path, deadline: Deadline | None) -> Path:
    path = content_file(model, cache)
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.with_suffix(".lock"), "waiting for another fetch of the same model", deadline):
        if path.is_file():
            os.utime(path)  # it may be of no set by now, and is about to be of one
        else:
            _fetch(model, path, deadline)
    return path


def _fetch(model: Model, path: Path, deadline: Deadline | None) -> None:
    draft = path.with_suffix(".new")
    try:
        _download(model, draft, deadline)
    except TransientError:
        raise
    except Changed:
        raise EngineError(f"model {model.uri} has changed since it was deployed: deploy it again") from None
    except CloudError as error:
        raise EngineError(f"model {model.uri} cannot be fetched: {error}") from error
    draft.chmod(0o644)
    draft.replace(path)


def _download(model: Model, draft: Path, deadline: Deadline | None) -> None:
    from cloudlayer import storage
    from cloudlayer.storage.checksums import verify
    from cloudlayer.storage.transfers import download_file

    def check(_: int) -> None:
        if deadline is not None:
            deadline.check(f"fetching {model.uri}")

    with storage.connect() as client:
        store, key = client.resolve(model.uri)
        info = store.head(key)
        pins = (
            (model.etag, info.etag),
            (model.size, info.size),
            (model.crc32c, model.crc32c if info.crc32c is None else info.crc32c),
        )
        if any(pin not in (None, told) for pin, told in pins):
            raise Changed("it is another object than the one that was deployed", provider=store.uri)
        download_file(store, key, draft, info=info, progress=check)
    # What the store has a sum of has been compared with it on its way.
    total = _sum(draft) if model.crc32c is not None and info.crc32c is None else None
    verify(store.uri, size=draft.stat().st_size, expected_size=info.size, crc32c=total, expected=model.crc32c)


def _sum(path: Path) -> int:
    from cloudlayer.storage.checksums import crc32c

    total = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            total = crc32c(piece, total)
    return total


def _settled(contents: dict[str, Path], place: Path) -> Path:
    with made_beside(place.parent) as made:
        for name, content in contents.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(content, made / name)
        for folder in (made, *(path for path in made.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        return settle(made, place)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:32]
