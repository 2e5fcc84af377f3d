"""gs://BUCKET/KEY: Google Cloud Storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import checked
from cloudlayer.storage.store import Store
from cloudlayer.storage.stores.gs.settings import Settings
from cloudlayer.storage.stores.gs.store import CloudStorage


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """A bucket. InvalidSpec for settings that are wrong, AuthError if no credentials are to be had."""
    if not authority:
        raise InvalidSpec(f"{account}:/// has no bucket: write {account}://BUCKET/KEY")
    return CloudStorage(f"{account}://{authority}/", authority, checked(Settings, settings, f"stores.{account}"))
