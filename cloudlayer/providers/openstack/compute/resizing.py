"""A change of flavor: Nova makes it in two steps, and keeps the old server until the change is confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.errors import Conflict
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.errors import Where, translate
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.servers import CAPACITY, FAULTS

_LOOK: Final = 0.5


class Resizing:
    """Changes the flavors of stopped servers, and waits until it is done."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def resize(self, server: Mapping[str, Any], name: str, flavor: str, deadline: Deadline) -> None:
        """Give the server the flavor of that name and id; a resize that was broken off is gone on with.

        Conflict if it is not stopped, CapacityError if no host has room for the new size.
        """
        if server["status"] == "SHUTOFF":
            if server["flavor"]["original_name"] == name:
                return
            self._act(server["id"], {"resize": {"flavorRef": flavor}}, deadline)
        elif server["status"] not in ("RESIZE", "VERIFY_RESIZE"):
            message = f"{server['id']} is {server['status']}: stop it before it is resized"
            raise Conflict(message, provider="openstack", code=server["status"])
        changed = self._settled(server["id"], ("RESIZE",), deadline)
        if changed["status"] == "VERIFY_RESIZE":
            self._act(server["id"], {"confirmResize": None}, deadline)
            changed = self._settled(server["id"], ("VERIFY_RESIZE",), deadline)
        if changed["flavor"]["original_name"] != name:
            where = Where("openstack", self._client.region, changed.get("OS-EXT-AZ:availability_zone"), name)
            raise translate(FAULTS, CAPACITY, f"no host has room for {server['id']} as {name}", where)

    def _act(self, id: str, body: Mapping[str, Any], deadline: Deadline) -> None:
        self._client.call("compute", "POST", f"/servers/{id}/action", json=body, deadline=deadline)

    def _settled(self, id: str, left: tuple[str, ...], deadline: Deadline) -> dict[str, Any]:
        """The server once it has left a status, and nothing is under way in it."""
        while True:
            found: dict[str, Any] = self._client.call("compute", "GET", f"/servers/{id}", deadline=deadline)["server"]
            if found["status"] not in left and not found["OS-EXT-STS:task_state"]:
                return found
            self._clock.sleep(min(_LOOK, deadline.remaining()))
            deadline.check(f"waiting for the new size of {id}, it is {found['status']}")
