"""Images by name, friendly name or id."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.openstack.client import Client
from cloudlayer.resources import Image, MachineType

DEFAULT: Final = "ubuntu-24.04"
DEFAULT_GPU: Final = "ubuntu-22.04-gpu"

_ARCHITECTURES: Final = {"aarch64": "arm64", "arm64": "arm64"}


class Images:
    """Finds images. Operators name theirs as they like, so a friendly name is compared with the name and with what the image
    says of itself (os_distro, os_version)."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def find(self, name: str | None, deadline: Deadline | None = None) -> list[Image]:
        """Images of an id, a name or a friendly name, newest first; all that can be started without one."""
        if name is not None and _is_id(name):
            return self._by_id(name, deadline)
        found = self._listed(deadline)
        if name is None:
            return [_image(item) for item in found]
        exact = [item for item in found if item["name"] == name]
        return [_image(item) for item in exact or [item for item in found if _is_called(item, name)]]

    def resolve(self, name: str | None, kind: MachineType, deadline: Deadline | None = None) -> str:
        """The id of the newest image of that name for the machine type; without one, Ubuntu, with drivers if it has a GPU."""
        wanted = name or (DEFAULT_GPU if kind.accelerators else DEFAULT)
        fitting = [image for image in self.find(wanted, deadline) if image.architecture == kind.architecture]
        if not fitting:
            known = ", ".join(sorted({image.name for image in self.find(None, deadline)})[:20]) or "none"
            where = f"for {kind.architecture} in {self._client.region}"
            raise InvalidSpec(f'image: nothing is called "{wanted}" {where}: name another one, or an id; there are {known}')
        return fitting[0].id

    def _by_id(self, id: str, deadline: Deadline | None) -> list[Image]:
        try:
            return [_image(self._client.call("image", "GET", f"/images/{id}", deadline=deadline))]
        except NotFound:
            return []

    def _listed(self, deadline: Deadline | None) -> list[dict[str, Any]]:
        query = {"status": "active", "sort": "created_at:desc"}
        return list(self._client.pages("image", "/images", "images", query=query, deadline=deadline))


def _is_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _is_called(item: dict[str, Any], name: str) -> bool:
    """Whether "ubuntu-24.04" can mean this image: by what it says of itself, or but for case, spaces and dashes by its name."""
    itself = f"{item.get('os_distro', '')}-{item.get('os_version', '')}"
    return _plain(name) in (_plain(itself), _plain(str(item["name"])))


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _image(item: dict[str, Any]) -> Image:
    told = str(item.get("architecture") or item.get("hw_architecture") or "").lower()
    created = item.get("created_at")
    return Image(
        item["id"],
        item["name"] or "",
        _ARCHITECTURES.get(told, "x86_64"),
        datetime.fromisoformat(created) if created else None,
    )
