"""What a manifest names by URI, as it is at the moment of a deploy: source folders are fetched, models are pinned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cloudlayer.errors import CloudError, InvalidSpec, NotFound, TransientError
from cloudlayer.functions.manifest import FunctionSpec, Manifest
from cloudlayer.functions.models import ModelFile, apart
from cloudlayer.runtime.files import made_beside
from cloudlayer.runtime.sources import snapshot
from cloudlayer.specs import checked
from cloudlayer.storage.limits import is_path

if TYPE_CHECKING:
    from cloudlayer.storage.client import Client
    from cloudlayer.storage.directories import Entry
    from cloudlayer.storage.objects import ObjectInfo


def fetched(manifest: Manifest, folder: Path) -> tuple[list[FunctionSpec], dict[str, Path]]:
    """The functions as they are to be kept, and the snapshots of their source folders, made below `folder`, by function
    version.

    InvalidSpec for what is not there, or cannot be asked for.
    """
    functions, folders = [], {}
    with ExitStack() as opened:

        @cache
        def client() -> Client:
            from cloudlayer import storage

            return opened.enter_context(storage.connect())

        for spec in manifest.function:
            kept = pinned(spec, client)
            if spec.source:
                folders[spec.key] = source_folder(spec, folder, client)
                kept = kept.model_copy(update={"source": str(folders[spec.key])})
            functions.append(kept)
    return functions, folders


def pinned(spec: FunctionSpec, client: Callable[[], Client]) -> FunctionSpec:
    """The function with each of its models as the object that is there now; folders become the objects below them."""
    if not spec.models:
        return spec
    with _told(spec):
        found = [one for model in spec.models for one in _objects(model, client())]
        try:
            apart(tuple(found))
        except ValueError as error:
            raise InvalidSpec(f"{spec.key}: models: {error}") from None
    return spec.model_copy(update={"models": tuple(found)})


def source_folder(spec: FunctionSpec, folder: Path, client: Callable[[], Client]) -> Path:
    """The snapshot of a function's source folder, wherever that is."""
    if "://" not in str(spec.source):
        return snapshot(Path(str(spec.source)), folder)
    with made_beside(folder) as made:
        with _told(spec):
            _fetch(str(spec.source).rstrip("/") + "/", made, client())
        return snapshot(made, folder)


def _objects(model: ModelFile, client: Client) -> Iterator[ModelFile]:
    if not model.is_folder:
        info = client.file(model.uri).stat()
        if model.etag not in (None, info.etag):
            raise InvalidSpec(
                f"{model.uri} is another object than its etag {model.etag} says: take the etag out, or name its own"
            )
        yield _pinned(model, info)
        return
    for entry in _below(model.uri, client):
        one = checked(ModelFile, {"uri": entry.uri, "name": f"{model.name}/{entry.name}"}, f"{model.uri}: ")
        if entry.info is None or entry.info.etag is None:
            yield from _objects(one, client)
        else:  # which is enough: whoever fetches it compares the sum that the store tells with it then
            yield _pinned(one, entry.info)


def _pinned(model: ModelFile, info: ObjectInfo) -> ModelFile:
    return model.model_copy(update={"etag": info.etag, "size": info.size, "crc32c": info.crc32c})


def _fetch(uri: str, folder: Path, client: Client) -> None:
    for entry in _below(uri, client):
        if not is_path(entry.name):
            raise InvalidSpec(f"{entry.uri} would lie outside of its folder: a source folder holds plain names alone")
        client.file(entry.uri).get_file(folder / entry.name)


def _below(uri: str, client: Client) -> list[Entry]:
    """The objects below a folder, without those that only mark one, as consoles make them."""
    below = (entry for entry in client.dir(uri).list() if not entry.uri.endswith("/"))
    found = sorted(below, key=lambda entry: entry.name)
    if not found:
        raise NotFound(f"nothing is below {uri}")
    return found


@contextmanager
def _told(spec: FunctionSpec) -> Iterator[None]:
    try:
        yield
    except TransientError:
        raise
    except CloudError as error:
        raise InvalidSpec(f"{spec.key}: {error}") from error
