"""Images by friendly name, by path, or by the name of one of the project's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.client import Client
from cloudlayer.resources import Image, MachineType


@dataclass(frozen=True, slots=True)
class Source:
    """Where a friendly name leads: to a public project's families, by architecture.

    `drivers` says that its images put NVIDIA's driver in at their first start, where the metadata asks for it, `cloud_init`
    that they have cloud-init; Google's agent, which the others have, runs a script at each start, and reads nothing else.
    """

    project: str
    families: Mapping[str, str]
    drivers: bool = False
    cloud_init: bool = True


SOURCES: Final[Mapping[str, Source]] = {
    "ubuntu-24.04": Source("ubuntu-os-cloud", {"x86_64": "ubuntu-2404-lts-amd64", "arm64": "ubuntu-2404-lts-arm64"}),
    "ubuntu-22.04": Source("ubuntu-os-cloud", {"x86_64": "ubuntu-2204-lts", "arm64": "ubuntu-2204-lts-arm64"}),
    "debian-12": Source("debian-cloud", {"x86_64": "debian-12", "arm64": "debian-12-arm64"}, cloud_init=False),
    "ubuntu-22.04-gpu": Source(
        "deeplearning-platform-release", {"x86_64": "common-cu129-ubuntu-2204-nvidia-580"}, drivers=True
    ),
}
"""Friendly names. The last one comes with Docker and the NVIDIA container toolkit besides the driver."""

DEFAULT: Final = "ubuntu-24.04"
DEFAULT_GPU: Final = "ubuntu-22.04-gpu"

_PATH: Final = re.compile(r"(?:https://[^/]+/compute/v1/)?(projects/([^/]+)/global/images/(?:(family)/)?([^/]+))")


class Images:
    """Finds images. A path ("projects/P/global/images/NAME", or "…/family/NAME") or the URL of one is taken as it is."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def resolve(self, name: str | None, kind: MachineType, deadline: Deadline | None = None) -> str:
        """The path to start from, which may be a family's; without a name Ubuntu, with drivers for what has a GPU.

        InvalidSpec if nothing is called so. A path is not looked at here: the cloud refuses one that leads nowhere.
        """
        name = name or _default(kind)
        if name in SOURCES:
            family = SOURCES[name].families.get(kind.architecture)
            if family is None:
                raise InvalidSpec(f'image: there is no "{name}" for {kind.architecture}: use "{DEFAULT}", or an image of yours')
            return f"projects/{SOURCES[name].project}/global/images/family/{family}"
        if found := _PATH.fullmatch(name):
            return found[1]
        if not self._own(name, deadline):
            known = ", ".join(SOURCES)
            raise InvalidSpec(
                f'image: nothing is called "{name}" in the project {self._client.project}: use one of {known}, the name of an '
                'image of yours, or a path ("projects/P/global/images/NAME")'
            )
        return self._client.link("images", name)

    def source(self, name: str | None, kind: MachineType) -> Source | None:
        """Where a name leads for a machine type, if it is a friendly one."""
        return SOURCES.get(name or _default(kind))

    def find(self, name: str | None, deadline: Deadline | None = None) -> list[Image]:
        """Images of a name or path, newest first; without a name, the newest for each friendly name and architecture."""
        if name is None:
            return [image for source in SOURCES.values() for image in self._newest(source, deadline)]
        if name in SOURCES:
            source = SOURCES[name]
            return _sorted(
                image for family in source.families.values() for image in self._family(source.project, family, deadline)
            )
        found = _PATH.fullmatch(name)
        if found is None:
            return self._own(name, deadline)
        if found[3]:
            return _sorted(self._family(found[2], found[4], deadline))
        return self._one(found[2], found[4], deadline)

    def _newest(self, source: Source, deadline: Deadline | None) -> Iterator[Image]:
        for family in source.families.values():
            try:
                found = self._client.call("images", "get_from_family", project=source.project, family=family, deadline=deadline)
            except NotFound:
                continue  # not, or not any more, for this architecture
            yield _image(found)

    def _family(self, project: str, family: str, deadline: Deadline | None) -> Iterator[Image]:
        wanted = f'family = "{family}"'
        for found in self._client.pages("images", project=project, filter=wanted, deadline=deadline):
            if found.family == family and not found.deprecated.state:
                yield _image(found)

    def _own(self, name: str, deadline: Deadline | None) -> list[Image]:
        return self._one(self._client.project, name, deadline)

    def _one(self, project: str, name: str, deadline: Deadline | None) -> list[Image]:
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", name, re.ASCII):
            return []
        try:
            return [_image(self._client.call("images", "get", project=project, image=name, deadline=deadline))]
        except NotFound:
            return []


def _default(kind: MachineType) -> str:
    return DEFAULT_GPU if kind.accelerators and kind.architecture == "x86_64" else DEFAULT


def _sorted(images: Iterator[Image]) -> list[Image]:
    return sorted(images, key=lambda image: image.created_at.timestamp() if image.created_at else 0.0, reverse=True)


def _image(found: Any) -> Image:
    path = _PATH.search(found.self_link)
    return Image(
        path[1] if path else found.self_link,
        found.name,
        "arm64" if found.architecture == "ARM64" else "x86_64",
        datetime.fromisoformat(found.creation_timestamp) if found.creation_timestamp else None,
    )
