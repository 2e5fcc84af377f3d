"""What broken-off launches leave: security groups that no server is in, addresses that lead nowhere, disks of none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import Conflict, NotFound, RejectedSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.launches import DISK_PREFIX, GROUP_PREFIX, pieces_of
from cloudlayer.providers.openstack.compute.servers import is_going
from cloudlayer.providers.openstack.pieces import labels_of
from cloudlayer.resources import Leftover

_GROUP: Final = "security-group"
_ADDRESS: Final = "floating-ip"
_DISK: Final = "volume"

_PATHS: Final = {
    _GROUP: ("network", "/security-groups"),
    _ADDRESS: ("network", "/floatingips"),
    _DISK: ("block_storage", "/volumes"),
}


class LaunchPieces:
    """The pieces of launches in one region. What a create may be about to use is told too: none of them says so."""

    def __init__(self, client: Client, has_volumes: Callable[[], bool]) -> None:
        self._client = client
        self._has_volumes = has_volumes

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> list[Leftover]:
        """Those of ours with all of `labels`."""
        found = [*self._groups(deadline), *self._addresses(deadline)]
        if self._has_volumes():
            found += self._disks(deadline)
        return [leftover for leftover in found if labels.items() <= leftover.labels.items()]

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them, unless it is in use after all. False if it is of another kind."""
        if leftover.kind not in _PATHS:
            return False
        service, path = _PATHS[leftover.kind]
        if leftover.kind != _ADDRESS or not self._is_used(leftover.id, deadline):
            with suppress(NotFound, Conflict, RejectedSpec):  # Cinder answers 400 for a volume in use
                self._client.call(service, "DELETE", f"{path}/{leftover.id}", deadline=deadline)
        return True

    def _groups(self, deadline: Deadline) -> list[Leftover]:
        listed = self._client.pages("network", "/security-groups", "security_groups", deadline=deadline)
        ours = [group for group in listed if group["name"].startswith(GROUP_PREFIX) and labels_of(group)]
        if not ours:
            return []
        ports = self._client.pages("network", "/ports", "ports", deadline=deadline)
        used = {group for port in ports for group in port["security_groups"]}
        servers = self._client.pages("compute", "/servers/detail", "servers", deadline=deadline)
        used |= {name for server in servers if not is_going(server) for name in pieces_of(server)}
        free = [group for group in ours if not used & {group["id"], group["name"]}]
        return [self._leftover(_GROUP, group["name"], labels_of(group), group) for group in free]

    def _addresses(self, deadline: Deadline) -> Iterator[Leftover]:
        for address in self._client.pages("network", "/floatingips", "floatingips", deadline=deadline):
            if labels_of(address) and not address["port_id"]:
                yield self._leftover(_ADDRESS, address["floating_ip_address"], labels_of(address), address)

    def _disks(self, deadline: Deadline) -> Iterator[Leftover]:
        for volume in self._client.pages("block_storage", "/volumes/detail", "volumes", deadline=deadline):
            is_free = volume["status"] in ("creating", "available", "error") and not volume["attachments"]
            if is_free and (volume["name"] or "").startswith(DISK_PREFIX):
                yield self._leftover(_DISK, volume["name"], volume["metadata"], volume)

    def _is_used(self, address: str, deadline: Deadline) -> bool:
        try:
            found = self._client.call("network", "GET", f"/floatingips/{address}", deadline=deadline)["floatingip"]
        except NotFound:
            return True
        return bool(found["port_id"])

    def _leftover(self, kind: str, name: str, labels: Mapping[str, str], found: Mapping[str, Any]) -> Leftover:
        return Leftover(found["id"], kind, "openstack", self._client.region, name=name, labels=labels, native=found)
