"""Lists of files, in the order of their keys: a folder after the other, of which one at a time is in memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from cloudlayer.storage.limits import LONGEST_KEY, is_path
from cloudlayer.storage.objects import Fault, ObjectInfo, Page, UploadInfo
from cloudlayer.storage.stores.file.telling import ABSENT, info, telling
from cloudlayer.storage.stores.renaming import is_temporary, upload_of

_PAGE: Final = 1000
Entry = os.DirEntry[bytes]


def pages(uri: str, prefix: str, *, shallow: bool, after: str) -> Iterator[Page]:
    """The list of `Store.list`."""
    objects, folders, faults = list[ObjectInfo](), list[str](), list[Fault]()
    for found in _found(uri, prefix, shallow=shallow, after=after):
        match found:
            case ObjectInfo():
                objects.append(found)
            case Fault():
                faults.append(found)
            case str():
                folders.append(found)
        if len(objects) + len(folders) + len(faults) == _PAGE:
            yield Page(tuple(objects), tuple(folders), tuple(faults))
            objects, folders, faults = [], [], []
    if objects or folders or faults:
        yield Page(tuple(objects), tuple(folders), tuple(faults))


def uploads(uri: str, prefix: str) -> Iterator[UploadInfo]:
    """The uploads of `Store.uploads`: temporary files, wherever they lie below the prefix."""
    for key, entry in _Walk(uri, prefix):
        upload = upload_of(key)
        if upload is None or isinstance(entry, Fault) or not upload.key.startswith(prefix):
            continue
        with telling(uri, key):
            status = _status(entry)
        if status is not None:
            yield replace(upload, begun=datetime.fromtimestamp(status.st_mtime, UTC))


def _found(uri: str, prefix: str, *, shallow: bool, after: str) -> Iterator[ObjectInfo | Fault | str]:
    for key, entry in _Walk(uri, prefix, after=after, shallow=shallow):
        if isinstance(entry, Fault):
            yield entry
        elif key.endswith("/"):
            if key > after or any(isinstance(item, ObjectInfo) for item in _found(uri, key, shallow=False, after=after)):
                yield key
        elif key > after and not is_temporary(key.rpartition("/")[2]):
            told = _object_or_fault(key, entry)
            if told is not None:
                yield told


class _Walk:
    """Every key below a prefix with its entry, in order. A folder, whose key ends in "/", is gone into unless `shallow`."""

    def __init__(self, uri: str, prefix: str, *, after: str = "", shallow: bool = False) -> None:
        self._uri = uri
        self._prefix = prefix
        self._after = after
        self._shallow = shallow

    def __iter__(self) -> Iterator[tuple[str, Entry | Fault]]:
        base = self._prefix[: self._prefix.rfind("/") + 1]
        if (base and not is_path(base[:-1])) or "\0" in base:
            return
        with telling(self._uri, base):
            stack = [iter(self._entries(base))]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
            elif self._shallow or isinstance(found[1], Fault) or not found[0].endswith("/"):
                yield found
            else:
                stack.append(iter(self._below(found[0])))

    def _below(self, folder: str) -> list[tuple[str, Entry | Fault]]:
        try:
            return self._entries(folder)
        except OSError as error:
            return [(folder, Fault(folder, f"may not be read: {error.strerror}"))]

    def _entries(self, folder: str) -> list[tuple[str, Entry | Fault]]:
        """The keys and entries of a folder that the walk is after, in order."""
        found = []
        try:
            with os.scandir(b"/" + folder.encode("utf-8")) as entries:
                for entry in entries:
                    key, what = _key(folder, entry)
                    if self._is_wanted(key):
                        found.append((key, what))
        except OSError as error:
            if error.errno not in ABSENT:
                raise
        return sorted(found, key=lambda pair: pair[0])

    def _is_wanted(self, key: str) -> bool:
        if key.endswith("/"):
            is_ours = is_temporary(key[:-1].rpartition("/")[2])
            return key.startswith(self._prefix) and not is_ours and (key > self._after or self._after.startswith(key))
        return key.startswith(self._prefix) or is_temporary(key.rpartition("/")[2])


def _key(folder: str, entry: Entry) -> tuple[str, Entry | Fault]:
    try:
        key = folder + entry.name.decode("utf-8")
    except UnicodeDecodeError:
        key = folder + entry.name.decode("utf-8", "replace")
        return key, Fault(key, "has a name that is not UTF-8: rename it")
    if len(key) > LONGEST_KEY // 4 and len(key.encode("utf-8")) > LONGEST_KEY:
        return key, Fault(key, f"is longer than {LONGEST_KEY:,} bytes, the most that a key has")
    return f"{key}/" if entry.is_dir(follow_symlinks=False) else key, entry


def _object_or_fault(key: str, entry: Entry) -> ObjectInfo | Fault | None:
    """A file as an object, or why it is none; None if it is gone by now."""
    try:
        status = _status(entry)
    except OSError as error:
        return Fault(key, f"may not be read: {error.strerror}")
    if status is None:
        return Fault(key, "is a symbolic link that leads nowhere") if entry.is_symlink() else None
    if stat.S_ISREG(status.st_mode):
        return info(key, status)
    if stat.S_ISDIR(status.st_mode):
        return Fault(key, "is a symbolic link to a folder, which lists do not follow")
    return Fault(key, "is a pipe, a socket or a device")


def _status(entry: Entry) -> os.stat_result | None:
    """The status of what a name or a link leads to; None where that is nothing."""
    try:
        return entry.stat()
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise
