"""Images by friendly name, id or SSM parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client, Filters, filters
from cloudlayer.resources import Image, MachineType


@dataclass(frozen=True, slots=True)
class Source:
    """Where a friendly name leads: to a publisher's images of a name, or to a public parameter. `{}` is the architecture."""

    owner: str = ""
    pattern: str = ""
    parameter: str = ""
    words: Mapping[str, str] | None = None

    def named(self, architecture: str) -> str:
        """The name pattern or parameter for an architecture, in the publisher's own word for it."""
        word = (self.words or {}).get(architecture, architecture)
        return (self.pattern or self.parameter).format(word)


_DEBIAN_WORDS: Final = {"x86_64": "amd64", "arm64": "arm64"}
_CANONICAL: Final = "099720109477"
_DEBIAN: Final = "136693071363"
_AMAZON: Final = "137112412989"

SOURCES: Final[Mapping[str, Source]] = {
    "ubuntu-24.04": Source(_CANONICAL, "ubuntu/images/hvm-ssd*/ubuntu-noble-24.04-{}-server-*", words=_DEBIAN_WORDS),
    "ubuntu-22.04": Source(_CANONICAL, "ubuntu/images/hvm-ssd*/ubuntu-jammy-22.04-{}-server-*", words=_DEBIAN_WORDS),
    "debian-12": Source(_DEBIAN, "debian-12-{}-*", words=_DEBIAN_WORDS),
    "amazon-linux-2023": Source(_AMAZON, "al2023-ami-2023*-{}"),
    "ubuntu-22.04-gpu": Source(
        parameter="/aws/service/deeplearning/ami/{}/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
    ),
}
"""Friendly names. The last one comes with NVIDIA's driver, Docker and the NVIDIA container toolkit."""

DEFAULT: Final = "ubuntu-24.04"
DEFAULT_GPU: Final = "ubuntu-22.04-gpu"
_ARCHITECTURES: Final = ("x86_64", "arm64")


class Images:
    """Finds images. An AMI's id is taken as it is; any other name is first a friendly one, then one of the account's own."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def resolve(self, name: str | None, kind: MachineType, deadline: Deadline | None = None) -> str:
        """The id of the newest image of that name for the machine type; without one, Ubuntu, with drivers if it has a GPU."""
        name = name or (DEFAULT_GPU if kind.accelerators else DEFAULT)
        if name.startswith("ami-"):
            return name
        if name.startswith("ssm:"):
            found = self._parameters([name.removeprefix("ssm:")], deadline)
            ids = list(found.values())
        else:
            ids = [image.id for image in self._named(name, (kind.architecture,), deadline)]
        if not ids:
            known = ", ".join(SOURCES)
            raise InvalidSpec(
                f'image: nothing is called "{name}" for {kind.architecture} in {self._client.region}: use one of {known}, '
                'an id ("ami-…"), a parameter ("ssm:/path") or the name of an image of yours'
            )
        return ids[0]

    def find(self, name: str | None, deadline: Deadline | None = None) -> list[Image]:
        """Images of a name or id, newest first; without a name, the newest for each friendly name and architecture."""
        if name is None:
            return [image for friendly in SOURCES for image in self._newest(friendly, deadline)]
        if name.startswith("ami-"):
            return self._described(filters(image_id=name), None, deadline)
        if name.startswith("ssm:"):
            ids = list(self._parameters([name.removeprefix("ssm:")], deadline).values())
            return self._described(filters(image_id=ids), None, deadline) if ids else []
        return self._named(name, _ARCHITECTURES, deadline)

    def root_device(self, id: str, deadline: Deadline | None = None) -> str:
        """What the image calls its boot disk."""
        answer = self._client.call("describe_images", ImageIds=[id], deadline=deadline)
        return str(answer["Images"][0]["RootDeviceName"])

    def _newest(self, friendly: str, deadline: Deadline | None) -> Iterator[Image]:
        found = self._named(friendly, _ARCHITECTURES, deadline)
        for architecture in _ARCHITECTURES:
            yield from [image for image in found if image.architecture == architecture][:1]

    def _named(self, name: str, architectures: tuple[str, ...], deadline: Deadline | None) -> list[Image]:
        source = SOURCES.get(name)
        if source is None:
            return self._described(filters(name=name, architecture=list(architectures)), "self", deadline)
        names = [source.named(architecture) for architecture in architectures]
        if source.pattern:
            wanted = filters(name=names, architecture=list(architectures), state="available")
            return self._described(wanted, source.owner, deadline)
        ids = list(self._parameters(names, deadline).values())
        return self._described(filters(image_id=ids), None, deadline) if ids else []

    def _parameters(self, names: list[str], deadline: Deadline | None) -> dict[str, str]:
        """Values by name of those SSM parameters that there are."""
        answer = self._client.call("get_parameters", service="ssm", Names=names, deadline=deadline)
        return {found["Name"]: found["Value"] for found in answer["Parameters"]}

    def _described(self, wanted: Filters, owner: str | None, deadline: Deadline | None) -> list[Image]:
        owners: dict[str, Any] = {"Owners": [owner]} if owner else {}
        found = self._client.pages("describe_images", "Images", Filters=wanted, deadline=deadline, **owners)
        dated = sorted(((item.get("CreationDate", ""), item) for item in found), key=lambda pair: pair[0], reverse=True)
        return [_image(item) for _, item in dated]


def _image(found: dict[str, Any]) -> Image:
    created = found.get("CreationDate")
    return Image(
        found["ImageId"],
        found.get("Name", ""),
        found.get("Architecture", "x86_64"),
        datetime.fromisoformat(created) if created else None,
    )
