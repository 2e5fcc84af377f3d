"""fsspec's file system over the verbs of stores. Globs, walks and copies of trees are fsspec's own, over these."""

from __future__ import annotations

import errno
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.utils import isfilelike

from cloudlayer.errors import InvalidSpec
from cloudlayer.storage.filesystem.errors import as_of_files
from cloudlayer.storage.filesystem.files import ObjectReader, ObjectWriter
from cloudlayer.storage.filesystem.folders import Folders
from cloudlayer.storage.moves import move_object
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.store import Store
from cloudlayer.storage.transfers import copy_object, download_file, upload_file, upload_stream

Entry: TypeAlias = dict[str, Any]
Mode: TypeAlias = Literal["overwrite", "create"]
RANGES_AT_ONCE: Final = 16


class FileSystem(Folders):
    """The objects of one scheme; `registration` has a class for each."""

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """An object's bytes; its checksum is verified where all of it is read. Ranges are those of Python's slices."""
        path = self._strip_protocol(path)
        store, key = self.locate(path)
        with as_of_files(path):
            if not start and end is None:
                return store.get(key)
            if end is not None and (end <= 0 or (start is not None and start >= end)):
                start, end, _ = slice(start, end).indices(store.head(key).size)
                if start >= end:
                    return b""
            try:
                return store.get(key, start=start, end=end)
            except InvalidSpec:
                if (start or 0) >= store.head(key).size:
                    return b""
                raise

    def cat_ranges(
        self,
        paths: list[str],
        starts: int | list[int] | None,
        ends: int | list[int] | None,
        max_gap: int | None = None,
        on_error: Literal["return", "raise"] = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Ranges of objects, several at once; an error stands in the place of its range unless it is to be raised."""
        if max_gap is not None:
            raise NotImplementedError("ranges are not brought together here: max_gap must be None")
        count = len(paths)
        starts = starts if isinstance(starts, list) else [starts] * count  # type: ignore[list-item]
        ends = ends if isinstance(ends, list) else [ends] * count  # type: ignore[list-item]

        def one(path: str, start: int, end: int) -> bytes | Exception:
            try:
                return self.cat_file(path, start, end)
            except Exception as error:
                if on_error == "raise":
                    raise
                return error

        if not len(starts) == len(ends) == count:
            raise ValueError("paths, starts and ends must be equally many")
        with ThreadPoolExecutor(RANGES_AT_ONCE) as pool:
            return list(pool.map(one, paths, starts, ends))

    def pipe_file(self, path: str, value: bytes, mode: Mode = "overwrite", **kwargs: Any) -> None:
        """Put an object. Under "create" FileExistsError if there is one, by the store itself."""
        path = self._strip_protocol(path)
        store, key = self.locate(path)
        with as_of_files(path):
            upload_stream(store, key, [value], _options(mode == "create", kwargs))

    def put_file(
        self, lpath: str, rpath: str, callback: Any = DEFAULT_CALLBACK, mode: Mode = "overwrite", **kwargs: Any
    ) -> None:
        """Put a file; a folder needs none."""
        if os.path.isdir(lpath):  # noqa: PTH112
            return
        path = self._strip_protocol(rpath)
        store, key = self.locate(path)
        callback.set_size(os.path.getsize(lpath))  # noqa: PTH202
        with as_of_files(path):
            upload_file(store, key, lpath, _options(mode == "create", kwargs), progress=callback.relative_update)

    def get_file(self, rpath: str, lpath: Any, callback: Any = DEFAULT_CALLBACK, outfile: Any = None, **kwargs: Any) -> None:
        """Get an object into a file, which is the old one until the whole new one is there."""
        if outfile is not None or isfilelike(lpath):
            super().get_file(rpath, lpath, callback=callback, outfile=outfile, **kwargs)
            return
        path = self._strip_protocol(rpath)
        entry = self.info(path)
        if entry["type"] == "directory":
            os.makedirs(lpath, exist_ok=True)  # noqa: PTH103
            return
        store, key = self.locate(path)
        callback.set_size(entry["size"])
        with as_of_files(path):
            download_file(store, key, lpath, progress=callback.relative_update)

    def cp_file(self, path1: str, path2: str, pairs: list[tuple[str, str]] | None = None, **kwargs: Any) -> None:
        """Copy an object, within its store by the store itself; a folder needs none. With `pairs`, note the two there alone."""
        path, target = self._strip_protocol(path1), self._strip_protocol(path2)
        if pairs is not None:
            pairs.append((path, target))
        else:
            self._bring(copy_object, path, target)

    def mv(self, path1: str, path2: str, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any) -> None:
        """Copy each file, and delete it when its copy is there. Those whose keys no path can say stay.

        InvalidSpec, before anything is moved, for a folder into itself, and where a file would be written over by another
        one that is moved. Changed for a file that is written to meanwhile: it stays.
        """
        pairs: list[tuple[str, str]] = []
        self.copy(path1, path2, recursive=recursive, maxdepth=maxdepth, on_error="raise", pairs=pairs)
        pairs = [(source, target) for source, target in pairs if source != target]
        if recursive:
            self._refuse_nested(path1, path2)
        taken = {source for source, _ in pairs}
        for _, target in pairs:
            if target in taken:
                raise InvalidSpec(f"{self.unstrip_protocol(target)} would be written over by what is moved: nothing was moved")
            taken.add(target)
        for source, target in pairs:
            self._bring(move_object, source, target)

    def _refuse_nested(self, path1: str | list[str], path2: str | list[str]) -> None:
        """InvalidSpec for a folder that is to come into itself."""
        target = self._strip_protocol(path2)
        for source in map(self._strip_protocol, [path1] if isinstance(path1, str) else path1):
            if isinstance(target, str) and target.startswith(f"{source}/" if source else ""):
                raise InvalidSpec(f"{self.unstrip_protocol(source)} cannot go into itself, {self.unstrip_protocol(target)}")

    def _bring(self, bring: Callable[..., ObjectInfo], path: str, target: str) -> None:
        try:
            with as_of_files(path):
                bring(*self.locate(path), *self.locate(target))
        except FileNotFoundError:
            if not self.isdir(path):
                raise

    def rm_file(self, path: str) -> None:
        """Delete an object; FileNotFoundError if it is not there, IsADirectoryError for a folder."""
        path = self._strip_protocol(path)
        if self.info(path)["type"] == "directory":
            raise IsADirectoryError(f"{self.unstrip_protocol(path)} is a folder: delete it with recursive=True")
        store, key = self.locate(path)
        with as_of_files(path):
            store.delete(key)

    def rm(self, path: str | list[str], recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete objects, and all in folders if `recursive`. The first error is raised once all were tried."""
        roots = self.expand_path(path)
        if not recursive:
            for root in roots:
                self.rm_file(root)
            return
        keys: dict[Store, list[str]] = defaultdict(list)
        for root in roots:
            self.info(root)  # FileNotFoundError for what is neither an object nor a folder
            for store, key in self.keys_below(root, maxdepth):
                keys[store].append(key)
        with as_of_files(str(path)):
            for error in [error for store in keys for error in store.delete_many(keys[store]).values()]:
                raise error

    def sign(self, path: str, expiration: float = 100, **kwargs: Any) -> str:
        """A URL by which whoever has it may read the object for `expiration` seconds."""
        store, key = self.locate(self._strip_protocol(path))
        return store.sign(key, "GET", expiration)

    def modified(self, path: str) -> datetime:
        """When the object was written."""
        found: datetime = self.info(path)["modified"]
        return found

    def created(self, path: str) -> datetime:
        """When the object was written: it is never changed, only written anew."""
        return self.modified(path)

    def ukey(self, path: str) -> str:
        """A text that changes when the object does."""
        entry = self.info(path)
        return str(entry.get("etag") or (entry["size"], entry.get("modified")))

    def touch(self, path: str, truncate: bool = True, **kwargs: Any) -> None:
        """An empty object; one that is there stays unless `truncate`."""
        if truncate or not self.exists(path):
            self.pipe_file(path, b"", **kwargs)

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Nothing: a folder is there while objects are in it."""

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Nothing, as `mkdir`."""

    def rmdir(self, path: str) -> None:
        """Nothing, but for OSError if the folder has objects in it."""
        if self.exists(path):
            raise OSError(f"{self.unstrip_protocol(self._strip_protocol(path))} has objects in it: delete them first")

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> ObjectReader | ObjectWriter:
        if mode == "rb":
            return ObjectReader(self, path, mode, block_size=block_size, cache_options=cache_options, **kwargs)
        if mode not in {"wb", "xb"}:
            raise NotImplementedError(f'objects are not opened under "{mode}": they are written whole, under "wb" or "xb"')
        if mode == "xb" and self.exists(path):
            raise FileExistsError(errno.EEXIST, f"{self.unstrip_protocol(path)} is there already", path)
        options = _options(mode == "xb", kwargs)
        return ObjectWriter(self, path, mode, options=options, block_size=block_size, autocommit=autocommit)


def _options(create: bool, given: Mapping[str, Any]) -> PutOptions:
    """What a put is told: `content_type` and `metadata` of what fsspec's call was given."""
    return PutOptions(if_absent=create, content_type=given.get("content_type"), metadata=dict(given.get("metadata") or {}))
