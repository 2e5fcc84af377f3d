"""The disks of a server: Cinder's volumes, made before it under names that follow from its launch, and deleted with it by Nova.

They are made here and not by Nova, which puts no labels on those that it makes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import Conflict, NotFound, RejectedSpec, UnknownCloudError
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.launches import Launch
from cloudlayer.providers.openstack.creation import look_or_make
from cloudlayer.resources import DiskSpec
from cloudlayer.units import GIB

_LOOK: Final = 0.5
_FREE: Final = ("available", "error")
"""In these Cinder deletes a volume."""


class Disks:
    """Makes the disks of a launch, and takes away those that no server came to use."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def make(self, launch: Launch, image: str, deadline: Deadline) -> list[str]:
        """Ids of the launch's disks, ready to be used, in the order of its spec. Waits for them: Nova takes no others."""
        zone = self._zone(launch.spec.zone, deadline) if launch.disks else None
        made = [
            self._volume(
                _wanted(name, disk, launch, {"imageRef": image if disk.boot else None, "availability_zone": zone}), deadline
            )
            for name, disk in zip(launch.disks, launch.spec.disks, strict=True)
        ]
        return [self._ready(volume, deadline) for volume in made]

    def remove(self, names: Iterable[str], deadline: Deadline) -> None:
        """Delete the volumes of these names, which no server uses, or one that is being deleted.

        Nova deletes those of the latter with it, but for those that it had not come to yet: so this waits until it has let go
        of each. What is left at the deadline goes with its server.
        """
        for name in names:
            for volume in self._by_name(name, deadline):
                with suppress(NotFound, Conflict):
                    self._delete(f"/volumes/{volume['id']}", deadline)

    def _delete(self, path: str, deadline: Deadline) -> None:
        while not self._deleted(path, deadline) and deadline.remaining() > _LOOK:
            self._clock.sleep(_LOOK)

    def _deleted(self, path: str, deadline: Deadline) -> bool:
        status = self._client.call("block_storage", "GET", path, deadline=deadline)["volume"]["status"]
        if status not in _FREE:
            return False
        try:
            self._client.call("block_storage", "DELETE", path, deadline=deadline)
        except RejectedSpec:  # it was taken between the two calls
            return False
        return True

    def _volume(self, wanted: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        name = wanted["name"]

        def look() -> dict[str, Any] | None:
            return next(iter(self._by_name(name, deadline)), None)

        def make() -> dict[str, Any]:
            answer = self._client.call(
                "block_storage", "POST", "/volumes", json={"volume": wanted}, again=False, deadline=deadline
            )
            made: dict[str, Any] = answer["volume"]
            return made

        return look_or_make(self._client.retries, look, make, doing=f"making the volume {name}", deadline=deadline)

    def _ready(self, volume: dict[str, Any], deadline: Deadline) -> str:
        name = str(volume["id"])
        while volume["status"] not in ("available", "in-use"):
            if "error" in volume["status"]:
                message = f"the disk {name} is in status {volume['status']}: see Cinder's messages for it, or try another type"
                raise UnknownCloudError(message, provider="openstack", code=volume["status"])
            self._clock.sleep(min(_LOOK, deadline.remaining()))
            deadline.check(f"waiting for the disk {name} to be available, it is {volume['status']}")
            volume = self._client.call("block_storage", "GET", f"/volumes/{name}", deadline=deadline)["volume"]
        return name

    def _by_name(self, name: str, deadline: Deadline) -> list[dict[str, Any]]:
        found = self._client.pages("block_storage", "/volumes/detail", "volumes", query={"name": name}, deadline=deadline)
        return sorted(found, key=lambda volume: (volume["created_at"], volume["id"]))

    def _zone(self, wanted: str | None, deadline: Deadline) -> str | None:
        """The server's zone where Cinder has one of that name too; else Cinder chooses."""
        if wanted is None:
            return None
        answer = self._client.call("block_storage", "GET", "/os-availability-zone", deadline=deadline)
        names = {zone["zoneName"] for zone in answer["availabilityZoneInfo"]}
        return wanted if wanted in names else None


def _wanted(name: str, disk: DiskSpec, launch: Launch, more: Mapping[str, Any]) -> dict[str, Any]:
    """The volume as Cinder wants it described."""
    wanted = {
        "name": name,
        "size": math.ceil(disk.size / GIB),
        "volume_type": disk.type,
        "metadata": dict(launch.labels),
        **more,
    }
    return {key: value for key, value in wanted.items() if value is not None}
