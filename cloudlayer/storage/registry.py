"""Which class serves a scheme. Classes, and the libraries that they need, are imported when their first store is connected."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.storage.store import Store

STORES: Final = {
    "s3": "cloudlayer.storage.stores.s3:connect",
    "gs": "cloudlayer.storage.stores.gs:connect",
    "az": "cloudlayer.storage.stores.az:connect",
    "abfs": "cloudlayer.storage.stores.az:connect_abfs",
    "swift": "cloudlayer.storage.stores.swift:connect",
    "hdfs": "cloudlayer.storage.stores.hdfs:connect",
    "webhdfs": "cloudlayer.storage.stores.webhdfs:connect",
    "dropbox": "cloudlayer.storage.stores.dropbox:connect",
    "sftp": "cloudlayer.storage.stores.sftp:connect",
    "http": "cloudlayer.storage.stores.http:connect",
    "https": "cloudlayer.storage.stores.http:connect",
    "file": "cloudlayer.storage.stores.file:connect",
    "memory": "cloudlayer.storage.stores.memory:connect",
}
"""Scheme → `connect(authority, account, settings)`."""


def connect(scheme: str, authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """Connect the store of a scheme. InvalidSpec for a scheme or a setting that is unknown, or a library that is missing.

    `authority` is the bucket, container or host; `account` the name that `settings` stand under, for messages.
    """
    try:
        module, _, name = STORES[scheme].partition(":")
    except KeyError:
        raise InvalidSpec(f'"{scheme}" is no scheme of a store; known: {", ".join([*STORES, "blob", "data"])}') from None
    try:
        made: Store = getattr(import_module(module), name)(authority, account, settings)
    except ImportError as error:
        raise InvalidSpec(f"{scheme}:// needs the package {error.name}: pip install 'cloudlayer[objects]'") from None
    return made
