"""An object moved: copied, and deleted where it was, unless that would lose it.

What two accounts reach may be one place, and so may two paths of one store, by links or by names that differ in case alone.
Whether it is cannot be read from their URIs: an empty object is put at the one, and looked for at the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import uuid4

from cloudlayer.errors import Changed, Conflict, IntegrityError, InvalidSpec, NotFound
from cloudlayer.storage.objects import PLAIN, ObjectInfo, PutOptions
from cloudlayer.storage.store import Store
from cloudlayer.storage.transfers import copy_object
from cloudlayer.storage.transfers.buffers import Progress

_PROBE: Final = ".cloudlayer-{id}-probe"


def move_object(
    source: Store, key: str, target: Store, target_key: str, options: PutOptions = PLAIN, *, progress: Progress | None = None
) -> ObjectInfo:
    """Copy an object, and delete it when the copy is there whole. What the target then has; onto itself: no change.

    Conflict if the two are one object by another way, Changed if it is written to meanwhile: both stay.
    """
    source.capabilities.require("put")
    before = source.head(key)
    if source is target and key == target_key:
        return before
    _check_two_objects(source, before, target, target_key)
    copied = copy_object(source, key, target, target_key, options, info=before, progress=progress)
    delete_moved(source, before, target, copied)
    return copied


def delete_moved(source: Store, before: ObjectInfo, target: Store, copied: ObjectInfo) -> None:
    """Delete the object `before`, if its copy is there whole and it is still the one that was copied.

    `before` is what a list or `head` told of it before it was copied. IntegrityError, Changed: both stay.
    """
    if copied.size != before.size or target.head(copied.key).size != before.size:
        whence, where = source.uri + before.key, target.uri + copied.key
        raise IntegrityError(f"{whence} has {before.size} bytes, and what is at {where} has not: both stay")
    if source.capabilities["compare_and_swap"] and before.etag is not None:
        source.delete(before.key, if_match=before.etag)
        return
    if not _is_same_version(before, source.head(before.key)):
        raise Changed(f"{before.key} was written to while it was moved: both stay", provider=source.uri)
    source.delete(before.key)


def check_two_places(source: Store, prefix: str, target: Store, target_prefix: str) -> None:
    """Conflict if what is below the one prefix is below the other too: to move it would delete it.

    An object is put below `target_prefix`, and deleted again.
    """
    if source is target and source.capabilities["any_key"]:
        return
    is_nested = prefix.startswith(target_prefix) or target_prefix.startswith(prefix)
    if _is_one(source, {prefix, target_prefix} if is_nested else {prefix}, target, target_prefix):
        raise Conflict(
            f"{source.uri}{prefix} and {target.uri}{target_prefix} are one place, or one is in the other: nothing was moved",
            provider=target.uri,
        )


def _check_two_objects(source: Store, before: ObjectInfo, target: Store, target_key: str) -> None:
    """Conflict if what is at the target is the object `before` itself. One more request, unless the two look alike."""
    if source is target and source.capabilities["any_key"]:
        return
    (folder, name), (target_folder, target_name) = _parted(before.key), _parted(target_key)
    if name.casefold() != target_name.casefold():
        return
    try:
        there = target.head(target_key)
    except NotFound:
        return
    if there.size == before.size and _is_one(source, {folder}, target, target_folder):
        raise Conflict(
            f"{source.uri}{before.key} and {target.uri}{target_key} are one object: nothing was moved", provider=target.uri
        )


def _parted(key: str) -> tuple[str, str]:
    """The folder of a key, with its slash, and the name in it."""
    folder, slash, name = key.rpartition("/")
    return folder + slash, name


def _is_one(source: Store, folders: Iterable[str], target: Store, target_folder: str) -> bool:
    """Whether what is put into a folder of `target` is in one of these folders of `source`."""
    name = _PROBE.format(id=uuid4().hex)
    target.put(target_folder + name, b"")
    try:
        return any(_is_there(source, folder + name) for folder in folders)
    finally:
        target.delete(target_folder + name)


def _is_there(store: Store, key: str) -> bool:
    try:
        store.head(key)
    except (NotFound, InvalidSpec):  # the latter for a key that the store cannot have
        return False
    return True


def _is_same_version(before: ObjectInfo, now: ObjectInfo) -> bool:
    """Whether an object was not written to. Lists may tell a finer time than `head`: it counts where an etag is missing."""
    if before.size != now.size:
        return False
    if before.etag is not None and now.etag is not None:
        return before.etag == now.etag
    return before.modified == now.modified
