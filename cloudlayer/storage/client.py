"""A client: URIs in, files and directories out. It connects a store when it is first named, and keeps it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Self

from cloudlayer.errors import InvalidSpec
from cloudlayer.storage import registry
from cloudlayer.storage.directories import Directory
from cloudlayer.storage.files import File
from cloudlayer.storage.settings import ALIAS, Accounts, accounts
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
        return File(self, uri, *self.resolve(uri))

    def dir(self, uri: str) -> Directory:
        """The objects below a URI, with or without the slash at its end."""
        store, key = self.resolve(uri)
        if key and not key.endswith("/"):
            uri, key = f"{uri}/", f"{key}/"
        elif not key and not uri.endswith("/"):
            uri = f"{uri}/"
        return Directory(self, uri, store, key)

    def resolve(self, uri: str) -> tuple[Store, str]:
        """The store that a URI leads to, and the key in it. InvalidSpec for a URI or a configuration that is wrong."""
        account, _, rest = uri.partition("://")
        authority, _, key = rest.partition("/")
        store = self._stores.get((account, authority))
        return (store, key) if store is not None else self._resolve(uri)

    def _resolve(self, uri: str) -> tuple[Store, str]:
        location = parse(uri)
        if location.scheme == ALIAS:
            location = self._accounts.alias(location)
        return self._connected(location), location.key

    def _connected(self, location: Location) -> Store:
        place = location.account, None if location.scheme in KEY_ONLY else location.authority
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
