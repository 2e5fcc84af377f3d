"""A client: URIs in, files and directories out. It connects a store when it is first named, and keeps it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Self

from cloudlayer.errors import InvalidSpec
from cloudlayer.storage import registry
from cloudlayer.storage.directories import Directory
from cloudlayer.storage.files import File
from cloudlayer.storage.settings import ALIASES, Accounts, accounts
from cloudlayer.storage.store import Store
from cloudlayer.storage.uri import KEY_ONLY, Location, parse


class Client:
    """All stores of one configuration. May be used by many threads; `close`, or leaving a `with`, lets go of connections."""

    def __init__(self, stores: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._accounts: Accounts = accounts(stores)
        self._stores: dict[tuple[str, str | None], Store] = {}
        self._lock = threading.Lock()
        self._closed = False

    def file(self, uri: str) -> File:
        """The object that a URI names, whether it is there or not."""
        store, key = self.resolve(uri)
        return File(self, uri, store, key)

    def dir(self, uri: str) -> Directory:
        """The objects below a URI, with or without the slash at its end."""
        store, key = self.resolve(uri)
        uri, key = as_folder(uri, key)
        return Directory(self, uri, store, key)

    def resolve(self, uri: str) -> tuple[Store, str]:
        """The store that a URI leads to, and the key in it. InvalidSpec for a URI or a configuration that is wrong."""
        store, key = self.known(uri)
        return (store, key) if store is not None else (self._connected(self.locate(uri)), key)

    def known(self, uri: str) -> tuple[Store | None, str]:
        """As `resolve`, but nothing is connected: None in place of a store that is not yet. InvalidSpec for what is no URI."""
        account, _, rest = uri.partition("://")
        authority, _, key = rest.partition("/")
        store = self._stores.get((account, authority))  # no store is kept under what is no URI, or has an alias in it
        if store is not None:
            return store, key
        location = self.locate(uri)
        return self._stores.get(_place(location)), location.key

    def locate(self, uri: str) -> Location:
        """Where a URI leads, with no alias left in it; nothing is connected. InvalidSpec as `resolve`."""
        location = parse(uri)
        return self._accounts.alias(location) if location.scheme in ALIASES else location

    def _connected(self, location: Location) -> Store:
        place = _place(location)
        with self._lock:
            if self._closed:
                raise InvalidSpec("this client is closed: connect another one")
            store = self._stores.get(place)
            if store is None:
                settings = self._accounts.settings(location.account)
                try:
                    store = registry.connect(location.scheme, location.authority, location.account, settings)
                except InvalidSpec as error:
                    raise self._accounts.told(error) from None
                self._stores[place] = store
            return store

    def close(self) -> None:
        """Let go of all connections; neither the client nor what it gave is of use after that."""
        with self._lock:
            self._closed = True
            stores = list(self._stores.values())
            self._stores.clear()
        for store in stores:
            store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def as_folder(uri: str, key: str) -> tuple[str, str]:
    """The URI and the key of a directory, with the slash at their ends."""
    if key and not key.endswith("/"):
        return f"{uri}/", f"{key}/"
    return (uri if key or uri.endswith("/") else f"{uri}/"), key


def _place(location: Location) -> tuple[str, str | None]:
    """What its store is kept under."""
    return location.account, None if location.scheme in KEY_ONLY else location.authority
