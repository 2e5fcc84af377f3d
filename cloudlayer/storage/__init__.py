"""Objects by URI: one client for every store.

client = storage.connect()
client.file("s3://bucket/records.csv").get()
client.file("blob://records.csv").text()        # what blob:// stands for is said in the configuration file
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudlayer.storage.aio import AsyncClient
    from cloudlayer.storage.client import Client


def connect(stores: Mapping[str, Mapping[str, Any]] | None = None) -> Client:
    """A client of the stores in the configuration file, or of `stores`, a mapping as its section [stores], in their place.

    Nothing is asked of any store before an object is. InvalidSpec for a configuration that is wrong.
    """
    from cloudlayer.storage.client import Client

    return Client(stores)


def connect_async(stores: Mapping[str, Mapping[str, Any]] | None = None) -> AsyncClient:
    """As `connect`, for asyncio: the same names, awaited."""
    from cloudlayer.storage.aio import AsyncClient

    return AsyncClient(stores)
