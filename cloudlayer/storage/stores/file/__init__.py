"""file:///ABSOLUTE/PATH: this host's files. What is put is on the disk when `put` returns, whole, whatever dies in between.

A symbolic link to a file counts as that file, wherever it leads; a put replaces the link, a delete deletes it, and neither
touches what it leads to. Lists follow no link to a folder, so they end and stay in their tree; a key that goes through such a
link is read and written all the same, since it was named. Sockets, pipes, devices and links that lead nowhere are no objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import Size, Spec, checked
from cloudlayer.storage.store import Store
from cloudlayer.storage.stores.file.store import FileStore
from cloudlayer.units import MIB


class Settings(Spec):
    """What may be set for an account of file://."""

    part_size: Size = 8 * MIB


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """The files of this host, all below "/"."""
    if authority:
        raise InvalidSpec(
            f"{account}://{authority}/… has no whole path: three slashes come before the first folder, "
            f"as in {account}:///{authority}/… if {authority} is a folder of /"
        )
    return FileStore(f"{account}:///", checked(Settings, settings, f"stores.{account}").part_size)
