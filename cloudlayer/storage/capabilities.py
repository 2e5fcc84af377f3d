"""What a store can do, as data: positive, and with a reason where something is missing."""

from __future__ import annotations

from typing import Final

from cloudlayer.interfaces.capabilities import Capabilities, Capability

NAMES: Final = {
    "put": "objects can be written and deleted",
    "atomic_put": "a reader sees the old object or the whole new one, whatever dies in between",
    "create_if_absent": "of two writers that both want to be the first, one alone is",
    "compare_and_swap": "a put or a delete under `if_match` changes nothing where the object's etag is another one",
    "checked_put": "the store is told a checksum, and refuses bytes that do not have it",
    "checked_get": "what a whole read gives has the checksum that it was put with",
    "metadata": "an object has key-value texts of its own, set when it is put",
    "content_type": "an object has a content type",
    "tags": "an object has tags, which are changed without writing it anew",
    "server_copy": "a copy within the store moves no byte through this process",
    "sign": "a temporary URL lets anyone who has it read, or write, one object",
    "resume": "a large upload that broke off goes on with the parts that had arrived",
    "parallel_parts": "parts of one upload are sent at once",
    "uploads": "uploads that were begun and never ended are told, to be thrown away",
    "list": "the keys that start with a text are told",
    "ordered_list": "lists come in order of the keys' UTF-8 bytes",
    "list_after": "a list can start after a key, without reading what comes before it",
    "any_key": "a key is any text of 1 to 1,024 bytes of UTF-8: empty, `.` and `..` segments too",
    "case_sensitive": "keys that differ in case alone are different objects",
    "key_is_no_folder": "`a` and `a/b` may both be objects",
    "no_empty_folders": "a folder is there as long as objects are in it",
}
"""Every capability of a store, with what it means."""


def declare(store: str, **missing: str) -> Capabilities:
    """A store's capabilities: all of NAMES, but for those named with the reason why they are missing."""
    if unknown := missing.keys() - NAMES.keys():
        raise KeyError(f"no capability of stores: {', '.join(sorted(unknown))}")
    return Capabilities(store, {name: Capability(name not in missing, missing.get(name, "")) for name in NAMES})
