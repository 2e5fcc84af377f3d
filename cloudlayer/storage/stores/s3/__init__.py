"""s3://BUCKET/KEY: Amazon S3, and every service that speaks its API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import checked
from cloudlayer.storage.store import Store
from cloudlayer.storage.stores.s3.settings import Settings
from cloudlayer.storage.stores.s3.store import S3


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """A bucket. InvalidSpec for settings that are wrong, AuthError if no credentials are to be had."""
    if not authority:
        raise InvalidSpec(f"{account}:/// has no bucket: write {account}://BUCKET/KEY")
    return S3(f"{account}://{authority}/", authority, checked(Settings, settings, f"stores.{account}"))
