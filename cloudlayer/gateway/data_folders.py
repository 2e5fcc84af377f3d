"""Lists of folders, a page at a time, as the protocol tells them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from heapq import nsmallest
from itertools import islice
from typing import Any, Final

from cloudlayer.gateway.answer import Answer
from cloudlayer.gateway.data_requests import Asked
from cloudlayer.storage.files import File
from cloudlayer.storage.objects import ObjectInfo
from cloudlayer.storage.store import Store

PAGE: Final = 1000
"""Entries that one answer has."""
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ROOT: Final = "data://"


def listing(asked: Asked, folder: File, *, always: bool) -> Answer | None:
    """What is in a folder, after the marker; None where nothing is, unless there is one `always`.

    A marker is a name in that folder, so that none leads out of it.
    """
    marker = asked.query.get("marker", "")
    after = folder.key + marker if marker else ""
    told = _first(folder.store, folder.key, after)
    if not (told or marker or always):
        return None
    names = [(key[len(folder.key) :], info) for key, info in told[:PAGE]]
    folders = [{"name": name.rstrip("/")} for name, info in names if info is None]
    if asked.uri == _ROOT:  # there, the client takes the first one for its user's name
        others = [each for each in folders if each["name"] != asked.caller]
        folders = others if marker else [{"name": asked.caller}, *others]
    document: dict[str, Any] = {"folders": folders, "files": [_file(name, info) for name, info in names if info is not None]}
    if len(told) > PAGE:
        document["marker"] = names[-1][0]
    return of_json(document, asked, ("X-Data-Type", "directory"))


def of_json(document: Any, asked: Asked, *headers: tuple[str, str]) -> Answer:
    """An answer in JSON."""
    return Answer(json.dumps(document).encode(), asked.request_id, headers=headers)


def _first(store: Store, prefix: str, after: str) -> list[tuple[str, ObjectInfo | None]]:
    """The first PAGE + 1 entries after a key, in order; folders without their info."""
    entries = _entries(store, prefix, after)
    if store.capabilities["ordered_list"]:
        return list(islice(entries, PAGE + 1))
    return nsmallest(PAGE + 1, entries, key=lambda entry: entry[0])


def _entries(store: Store, prefix: str, after: str) -> Iterator[tuple[str, ObjectInfo | None]]:
    for page in store.list(prefix, shallow=True, after=after):
        found: list[tuple[str, ObjectInfo | None]] = [(info.key, info) for info in page.objects]
        found += [(name, None) for name in page.folders]
        # A folder that ended the last page is told again: what is in it comes after its name.
        yield from sorted((each for each in found if each[0] > after and each[0] != prefix), key=lambda each: each[0])


def _file(name: str, info: ObjectInfo) -> dict[str, Any]:
    modified = (info.modified or _LONG_AGO).astimezone(UTC)
    return {
        "filename": name,
        "size": info.size,
        "last_modified": f"{modified:%Y-%m-%dT%H:%M:%S}.{modified.microsecond // 1000:03}Z",
    }
