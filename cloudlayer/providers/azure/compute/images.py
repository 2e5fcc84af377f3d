"""Images by friendly name, by the marketplace's "publisher:offer:sku:version", or of one's own by id or name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer.errors import InvalidSpec, NotFound, RejectedSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.machines import AMD, Sku
from cloudlayer.providers.azure.marks import last_name
from cloudlayer.resources import Image

LATEST: Final = "latest"
_ARCHITECTURES: Final = ("x86_64", "arm64")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a friendly name leads in the marketplace: a SKU for each architecture, and one for Hyper-V's first generation."""

    publisher: str
    offer: str
    skus: Mapping[str, str]
    first_generation: str | None = None


SOURCES: Final[Mapping[str, Source]] = {
    "ubuntu-24.04": Source(
        "Canonical", "ubuntu-24_04-lts", {"x86_64": "server", "arm64": "server-arm64"}, first_generation="server-gen1"
    ),
    "ubuntu-22.04": Source(
        "Canonical",
        "0001-com-ubuntu-server-jammy",
        {"x86_64": "22_04-lts-gen2", "arm64": "22_04-lts-arm64"},
        first_generation="22_04-lts",
    ),
    "debian-12": Source("Debian", "debian-12", {"x86_64": "12-gen2", "arm64": "12-arm64"}, first_generation="12"),
    "ubuntu-22.04-gpu": Source("microsoft-dsvm", "ubuntu-hpc", {"x86_64": "2204"}),
}
"""Friendly names. The last one comes with NVIDIA's driver, Docker and the NVIDIA container toolkit."""

DEFAULT: Final = "ubuntu-24.04"
DEFAULT_GPU: Final = "ubuntu-22.04-gpu"


class Images:
    """Finds images. The marketplace tells no dates: its versions are in order, the newest first."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def resolve(self, name: str | None, sku: Sku, deadline: Deadline | None = None) -> str:
        """The id of the newest image of that name for the size; without one, Ubuntu, with drivers if it has GPUs of NVIDIA.

        InvalidSpec if nothing is called so.
        """
        kind = sku.kind
        nvidia = any(device.model not in AMD for device in kind.accelerators)
        name = name or (DEFAULT_GPU if nvidia else DEFAULT)
        source = SOURCES.get(name)
        if source is None:
            found = self.find(name, deadline)
        else:
            wanted = source.first_generation if sku.first_generation else source.skus.get(kind.architecture)
            found = self._versions(name, source, wanted, kind.architecture, deadline) if wanted else []
        if not found:
            known = ", ".join(SOURCES)
            raise InvalidSpec(
                f'image: nothing is called "{name}" for {kind.name} ({kind.architecture}) in {self._client.region}: use one of '
                f'{known}, a "publisher:offer:sku:version", or an id or the name of an image of yours'
            )
        return found[0].id

    def find(self, name: str | None, deadline: Deadline | None = None) -> list[Image]:
        """Images of a name or id, newest first; without a name, the newest for each friendly name and architecture."""
        if name is None:
            return [image for friendly in SOURCES for image in self._newest(friendly, deadline)]
        if name in SOURCES:
            found = (self._named(name, architecture, deadline) for architecture in _ARCHITECTURES)
            return [image for images in found for image in images]
        if name.startswith("/subscriptions/"):
            return self._by_id(name, deadline)
        parts = name.split(":")
        if len(parts) == 4:
            return self._by_parts(parts, deadline)
        return [image for image in self._own(deadline) if image.name == name]

    def _newest(self, friendly: str, deadline: Deadline | None) -> Iterator[Image]:
        for architecture in SOURCES[friendly].skus:
            yield from self._named(friendly, architecture, deadline)[:1]

    def _named(self, friendly: str, architecture: str, deadline: Deadline | None) -> list[Image]:
        source = SOURCES[friendly]
        wanted = source.skus.get(architecture)
        return self._versions(friendly, source, wanted, architecture, deadline) if wanted else []

    def _versions(self, name: str, source: Source, sku: str, architecture: str, deadline: Deadline | None) -> list[Image]:
        try:
            found = self._client.call(
                "compute",
                "virtual_machine_images.list",
                *(self._client.region, source.publisher, source.offer, sku),
                deadline=deadline,
            )
        except (NotFound, RejectedSpec):
            return []  # the marketplace of this location has no such SKU
        versions = sorted((str(item["name"]) for item in found or ()), key=_order, reverse=True)
        return [Image(":".join((source.publisher, source.offer, sku, one)), name, architecture) for one in versions]

    def _by_parts(self, parts: list[str], deadline: Deadline | None) -> list[Image]:
        publisher, offer, sku, version = parts
        friendly = next(
            (name for name, one in SOURCES.items() if (one.publisher, one.offer) == (publisher, offer)), ":".join(parts[:3])
        )
        architecture = "arm64" if "arm64" in sku.lower() else "x86_64"
        found = self._versions(friendly, Source(publisher, offer, {}), sku, architecture, deadline)
        return found[:1] if version == LATEST else [image for image in found if image.id.endswith(f":{version}")]

    def _by_id(self, id: str, deadline: Deadline | None) -> list[Image]:
        """An image of one's own; one of a gallery is taken as it is, since its group may be another's."""
        if "/galleries/" in id.lower():
            return [Image(id, last_name(id), "x86_64")]
        return [image for image in self._own(deadline) if image.id.lower() == id.lower()]

    def _own(self, deadline: Deadline | None) -> list[Image]:
        """The images of the resource group. Azure tells no architecture of them: those of arm64 come from galleries alone."""
        listed = self._client.pages("compute", "images.list_by_resource_group", self._client.group, deadline=deadline)
        return [Image(found["id"], found["name"], "x86_64") for found in listed]


def reference(id: str) -> dict[str, str]:
    """An image as the profile of a machine names it."""
    if id.startswith("/"):
        return {"id": id}
    publisher, offer, sku, version = id.split(":")
    return {"publisher": publisher, "offer": offer, "sku": sku, "version": version}


def read_reference(found: Mapping[str, Any]) -> str | None:
    """The id of an image that the profile of a machine names."""
    if found.get("id"):
        return str(found["id"])
    parts = [found.get(name) for name in ("publisher", "offer", "sku")]
    version = found.get("exactVersion") or found.get("version") or LATEST
    return ":".join([*map(str, parts), str(version)]) if all(parts) else None


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
