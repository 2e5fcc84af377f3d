"""Folders, as fsspec knows them, made of lists of keys."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from fsspec.spec import AbstractFileSystem

from cloudlayer import storage
from cloudlayer.errors import NotFound
from cloudlayer.storage.filesystem.errors import as_of_files
from cloudlayer.storage.objects import ObjectInfo, Page
from cloudlayer.storage.store import Store
from cloudlayer.storage.uri import shown

Entry: TypeAlias = dict[str, Any]
"""What fsspec tells of a file or a folder: `name`, `size`, `type`; of a file `etag`, `modified`, `mtime`, `crc32c` too."""


class Folders(AbstractFileSystem):  # type: ignore[misc]
    """The part of a file system that looks, and changes nothing.

    `stores` replaces the configuration, in the same shape. Write secrets in it as "env:NAME": fsspec keeps what a file system
    was made with, and puts it into its JSON.
    """

    protocol: str

    def __init__(self, stores: Mapping[str, Mapping[str, Any]] | None = None, **options: Any) -> None:
        super().__init__(stores=stores, **options)
        self.client = storage.connect(stores)

    def __reduce__(self) -> tuple[Any, ...]:
        from cloudlayer.storage.filesystem.registration import made_again

        return made_again, (self.protocol, self.storage_args, self.storage_options)

    def locate(self, path: str) -> tuple[Store, str]:
        """The store and the key of a path."""
        found: tuple[Store, str] = self.client.resolve(f"{self.protocol}://{path}")
        return found

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """What is directly in a folder; of a file, the file itself."""
        path = self._strip_protocol(path)
        with as_of_files(path):
            found = sorted(self._children(path), key=_name)
        if not found:
            entry = self.info(path)
            found = [entry] if entry["type"] == "file" else []
        return found if detail else [entry["name"] for entry in found]

    def info(self, path: str, **kwargs: Any) -> Entry:
        """What is known of a file, or that it is a folder; FileNotFoundError if it is neither."""
        path = self._strip_protocol(path)
        store, key = self.locate(path)
        if not path or not key:
            return _folder(path)
        with as_of_files(path):
            try:
                return _file(path, store.head(key))
            except NotFound:
                if self._has_objects(path):
                    return _folder(path)
        raise FileNotFoundError(errno.ENOENT, f"{shown(store.uri + key)} is not there", path)

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Whether there is a file or a folder. An error other than that it is not there is raised, and is not "no"."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> list[str] | dict[str, Entry]:
        """All files below a path, at any depth by one list."""
        path = self._strip_protocol(path)
        if maxdepth is not None:
            found: list[str] | dict[str, Entry] = super().find(
                path, maxdepth=maxdepth, withdirs=withdirs, detail=detail, **kwargs
            )
            return found
        entries = {entry["name"]: entry for entry in self._below(path)}
        if withdirs:
            entries |= {name: _folder(name) for each in list(entries) for name in _above(each, path)}
        if (withdirs or not entries) and path and self.exists(path):
            entry = self.info(path)
            if entry["type"] == "file" or withdirs:
                entries[path] = entry
        names = sorted(entries)
        return {name: entries[name] for name in names if detail} if detail else names

    def keys_below(self, path: str, maxdepth: int | None = None) -> Iterator[tuple[Store, str]]:
        """The keys of the file at a path and of all below it, those that fsspec's paths cannot say too."""
        if maxdepth is not None:
            yield from (self.locate(name) for name in self.find(path, maxdepth=maxdepth))
            return
        store, _ = self.locate(path)
        for page in self._list(path):
            yield from ((store, each.key) for each in page.objects)
        if path and self.info(path)["type"] == "file":
            yield self.locate(path)

    def _prefix(self, path: str) -> tuple[Store, str]:
        """The store, and what the keys in a folder start with."""
        store, key = self.locate(f"{path}/" if path else "")
        return store, key if not key or key.endswith("/") else f"{key}/"

    def _list(self, path: str) -> Iterator[Page]:
        store, prefix = self._prefix(path)
        return store.list(prefix)

    def _has_objects(self, path: str) -> bool:
        """Whether a folder is one: not what is left of it where empty ones stay."""
        return any(page.objects for page in self._list(path))

    def _children(self, path: str) -> Iterator[Entry]:
        store, prefix = self._prefix(path)
        for page in store.list(prefix, shallow=True):
            for each in page.objects:
                if name := each.key[len(prefix) :]:
                    yield _file(_join(path, name), each)
            for folder in page.folders:
                name = _join(path, folder[len(prefix) : -1])
                if name and not name.endswith("/") and (store.capabilities["no_empty_folders"] or self._has_objects(name)):
                    yield _folder(name)

    def _below(self, path: str) -> Iterator[Entry]:
        store, prefix = self._prefix(path)
        with as_of_files(path):
            for page in store.list(prefix):
                for each in page.objects:
                    name = each.key[len(prefix) :]
                    if name and all(name.split("/")):
                        yield _file(_join(path, name), each)


def _above(name: str, path: str) -> Iterator[str]:
    """The folders between a path and a file below it."""
    while (name := name.rpartition("/")[0]) and len(name) > len(path):
        yield name


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _name(entry: Entry) -> str:
    name: str = entry["name"]
    return name


def _folder(path: str) -> Entry:
    return {"name": path, "size": 0, "type": "directory"}


def _file(path: str, info: ObjectInfo) -> Entry:
    entry: Entry = {"name": path, "size": info.size, "type": "file", "etag": info.etag, "modified": info.modified}
    if info.modified is not None:
        entry["mtime"] = info.modified.timestamp()
    if info.crc32c is not None:
        entry["crc32c"] = info.crc32c
    return entry
