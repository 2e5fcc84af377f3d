"""The objects whose names start alike, as a directory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloudlayer.errors import CloudError, InvalidSpec, NotFound
from cloudlayer.storage.files import File
from cloudlayer.storage.globs import expression, literal_prefix
from cloudlayer.storage.objects import ObjectInfo, Page
from cloudlayer.storage.store import Store
from cloudlayer.storage.uri import shown

if TYPE_CHECKING:
    from cloudlayer.storage.client import Client


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list tells: an object, or in a shallow list a folder, which has no `info` and ends in a slash.

    `name` is the URI without that of the directory.
    """

    uri: str
    name: str
    info: ObjectInfo | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which keys below a directory's own are listed, and how the store is asked for them."""

    prefix: str
    shallow: bool
    names: re.Pattern[str] | None

    @classmethod
    def of(cls, key: str, glob: str | None, shallow: bool) -> Selection:
        """By a glob, or all. One without a slash after its first pattern needs one folder read, and no more."""
        if glob is None:
            return cls(key, shallow, None)
        literal = literal_prefix(glob)
        one_folder = "/" not in glob[len(literal) :] and "**" not in glob
        return cls(key + literal, shallow or one_folder, re.compile(expression(glob), re.DOTALL))

    def entries(self, page: Page, uri: str, key: str, *, folders: bool) -> Iterator[Entry]:
        """What is meant of a page, in order of the names."""
        start = len(key)
        if self.names is None and not (folders and page.folders):
            for whole in page.objects:
                name = whole.key[start:]
                yield Entry(uri + name, name, whole)
            return
        told: list[tuple[str, ObjectInfo | None]] = [(info.key, info) for info in page.objects]
        if folders and page.folders:
            told = sorted([*told, *((folder, None) for folder in page.folders)], key=lambda pair: pair[0])
        for found, info in told:
            name = found[start:]
            if self.names is None or self.names.fullmatch(name.removesuffix("/") if info is None else name):
                yield Entry(uri + name, name, info)


class Directory:
    """All objects below a URI that ends in a slash. Directories are not made: one is there when an object is in it."""

    __slots__ = ("_client", "key", "store", "uri")

    def __init__(self, client: Client, uri: str, store: Store, key: str) -> None:
        self._client = client
        self.uri = uri
        self.store = store
        self.key = key

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {shown(self.uri)}>"

    def list(self, *, glob: str | None = None, shallow: bool = False) -> Iterator[Entry]:
        """Everything below it, however much that is, a page at a time; in order where the store's capabilities say so.

        `shallow`: what is in it itself, and its folders. `glob`: the names that match alone: `*` is any text without a slash,
        `**` any text, `?` one character, `[a-z]` one of these.
        """
        selection = Selection.of(self.key, glob, shallow)
        for page in self.store.list(selection.prefix, shallow=selection.shallow):
            yield from selection.entries(page, self.uri, self.key, folders=shallow)

    def file(self, name: str) -> File:
        """The object of this name in it."""
        return File(self._client, self.uri + name, self.store, self.key + name)

    def dir(self, name: str) -> Directory:
        """The directory of this name in it."""
        name = name if not name or name.endswith("/") else f"{name}/"
        return Directory(self._client, self.uri + name, self.store, self.key + name)

    def exists(self) -> bool:
        """Whether an object is below it."""
        try:
            return any(page.objects for page in self.store.list(self.key))
        except NotFound:
            return False

    def delete(self) -> int:
        """Delete every object below it. How many that were; after an error, some may still be there.

        InvalidSpec for the whole of a store, which nobody deletes in passing.
        """
        if not self.key:
            raise InvalidSpec(f"{self.uri} is a whole store: name a folder of it")
        count = 0
        for page in self.store.list(self.key):
            keys = [info.key for info in page.objects]
            failed = self.store.delete_many(keys)
            raise_first(failed, self.store.uri)
            count += len(keys)
        return count


def raise_first(failed: dict[str, Exception], uri: str) -> None:
    """Raise the first of the errors, with a note of how many more there were."""
    for key, error in failed.items():
        if len(failed) > 1:
            error.add_note(f"{len(failed) - 1} more of {uri} could not be deleted either")
        raise error if isinstance(error, CloudError) else CloudError(f"{key} could not be deleted", provider=uri) from error
