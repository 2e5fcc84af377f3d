"""az://CONTAINER/KEY: Azure Blob Storage; abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/KEY is another way to write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import checked
from cloudlayer.storage.store import Store
from cloudlayer.storage.stores.az.settings import Settings
from cloudlayer.storage.stores.az.store import Azure


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """A container. InvalidSpec for settings that are wrong."""
    if not authority:
        raise InvalidSpec(f"{account}:/// has no container: write {account}://CONTAINER/KEY")
    return Azure(f"{account}://{authority}/", authority, checked(Settings, settings, f"stores.{account}"))


def connect_abfs(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """A container with its account in the URI, as Hadoop writes it. InvalidSpec as `connect`."""
    container, at, host = authority.partition("@")
    name, _, rest = host.partition(".")
    if not (at and container and name and rest):
        raise InvalidSpec(
            f"{account}://{authority}/ has no account: write {account}://CONTAINER@ACCOUNT.dfs.core.windows.net/KEY"
        )
    endpoint = f"https://{name}.{rest.replace('dfs.', 'blob.', 1)}"
    made = checked(Settings, {"account": name, "endpoint": endpoint, **settings}, f"stores.{account}")
    return Azure(f"{account}://{authority}/", container, made)
