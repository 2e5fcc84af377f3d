"""What a machine needs of the network: an interface, and where they are asked for a security group and a public address.

Each machine has its own, named after it. They go with it: Azure deletes the interface, the others are taken off and deleted
before the machine is, since they can be deleted only when nothing uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.launches import Launch
from cloudlayer.providers.azure.compute.profiles import security_rules
from cloudlayer.providers.azure.creation import ADDRESSES, CARDS, DISKS, FIREWALLS, Things
from cloudlayer.providers.azure.marks import MADE, last_name, zones_of

PIECES: Final = (CARDS, ADDRESSES, FIREWALLS, DISKS)
"""What is made for machines, in the order in which it can be deleted."""


class Network:
    """Makes and deletes what machines need of the network."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._region = client.region
        self._clock = clock
        self.pieces = {kind.type: Things(client, kind) for kind in PIECES}
        self._cards, self._addresses, self._firewalls = (self.pieces[kind.type] for kind in (CARDS, ADDRESSES, FIREWALLS))

    def make(self, launch: Launch, zone: str, subnet: str, deadline: Deadline) -> str:
        """The id of the network interface for a launch, with all that belongs to it. Making it twice makes it once."""
        firewall = self._firewall(launch, deadline)
        address = self._address(launch, zone, deadline)
        configuration: dict[str, Any] = {"subnet": {"id": subnet}, "privateIPAllocationMethod": "Dynamic", "primary": True}
        if address:
            configuration["publicIPAddress"] = {"id": address}
        properties: dict[str, Any] = {"ipConfigurations": [{"name": "main", "properties": configuration}]}
        if firewall or launch.overrides.security_group:
            properties["networkSecurityGroup"] = {"id": firewall or launch.overrides.security_group}
        self._cards.put(launch.card, self._body(launch, properties), deadline)
        return self._cards.id(launch.card)

    def strip(self, card: str, machine: str, deadline: Deadline) -> None:
        """Take the machine's own security group and public address off its interface, and begin to delete them."""
        found = self._cards.find(card, deadline)
        own = _own_pieces(found["properties"], machine) if found else {}
        if not own:
            return
        properties = dict(found["properties"])
        if FIREWALLS.type in own:
            properties.pop("networkSecurityGroup")
        properties["ipConfigurations"] = [_without_address(one, machine) for one in properties["ipConfigurations"]]
        body = {"location": found["location"], "tags": found.get("tags") or {}, "properties": properties}
        with suppress(Conflict, NotFound):  # one that deletes it too has been here first
            self._cards.put(card, body, deadline)
        for kind, name in own.items():
            self.delete(kind, name, deadline)

    def undo(self, launch: Launch, deadline: Deadline) -> None:
        """Delete what was made for a machine that is not to be.

        Azure can keep its interface for another three minutes: that stays as a leftover then, but what costs money does not.
        """
        self.delete(CARDS.type, launch.card, deadline, wait=True)
        if launch.spec.public_address or launch.spec.open_ports:
            self.strip(launch.card, launch.name, deadline)
        if launch.spec.public_address:
            self.delete(ADDRESSES.type, launch.address, deadline)
        if launch.spec.open_ports:
            self.delete(FIREWALLS.type, launch.firewall, deadline)

    def delete(self, kind: str, name: str, deadline: Deadline, *, wait: bool = False) -> None:
        """Begin to delete a piece, and wait for that where it is wanted; one that is in use stays."""
        with suppress(Conflict, NotFound):
            self.pieces[kind].delete(name, deadline, wait=wait)

    def _firewall(self, launch: Launch, deadline: Deadline) -> str | None:
        if not launch.spec.open_ports:
            return None
        properties = {"securityRules": security_rules(launch.spec.open_ports)}
        self._firewalls.put(launch.firewall, self._body(launch, properties), deadline)
        return self._firewalls.id(launch.firewall)

    def _address(self, launch: Launch, zone: str, deadline: Deadline) -> str | None:
        if not launch.spec.public_address:
            return None
        properties = {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"}
        zones = {"zones": zones_of(zone)} if zones_of(zone) else {}
        body = {**self._body(launch, properties), "sku": {"name": "Standard"}, **zones}
        self._addresses.put(launch.address, body, deadline)
        return self._addresses.id(launch.address)

    def _body(self, launch: Launch, properties: Mapping[str, Any]) -> dict[str, Any]:
        tags = {**launch.tags, MADE: str(int(self._clock.now()))}
        return {"location": self._region, "tags": tags, "properties": dict(properties)}


def _own_pieces(properties: Mapping[str, Any], machine: str) -> dict[str, str]:
    """What of an interface was made for the machine, by kind."""
    used = {FIREWALLS.type: properties.get("networkSecurityGroup")}
    for one in properties.get("ipConfigurations") or ():
        used.setdefault(ADDRESSES.type, one["properties"].get("publicIPAddress"))
    found = {kind: last_name(piece["id"]) for kind, piece in used.items() if piece}
    return {kind: name for kind, name in found.items() if name.lower().startswith(f"{machine.lower()}-")}


def _without_address(configuration: Mapping[str, Any], machine: str) -> dict[str, Any]:
    properties = dict(configuration["properties"])
    address = properties.get("publicIPAddress") or {}
    if last_name(address.get("id", "")).lower().startswith(f"{machine.lower()}-"):
        properties.pop("publicIPAddress")
    return {"name": configuration["name"], "properties": properties}
