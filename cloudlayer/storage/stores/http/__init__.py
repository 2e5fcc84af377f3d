"""http://HOST/PATH and https://…: what a server gives to whoever asks; nothing is written there.

The key is the path of the URL with its query, as a browser has it: "%20" stays so, a blank is written as "%20".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import checked
from cloudlayer.storage.store import Store
from cloudlayer.storage.stores.http.requests import Requests, Settings
from cloudlayer.storage.stores.http.store import HttpStore

_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(:[0-9]+)?")


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """What one host gives. Nothing is asked of it yet."""
    uri = f"{account}://{authority}/"
    if not _AUTHORITY.fullmatch(authority):
        told = "a user's name goes into its headers" if "@" in authority else f"write {account}://HOST:PORT/PATH"
        raise InvalidSpec(f"{account}:// and its host are not those of a URL: {told}")
    scheme = account.partition("+")[0]
    return HttpStore(uri, Requests(uri, f"{scheme}://{authority}/", checked(Settings, settings, f"stores.{account}")))
