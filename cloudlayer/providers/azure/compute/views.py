"""Machines with what Azure tells of them in other places: their power, and their addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cloudlayer.errors import NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.instances import card_of, read_instance
from cloudlayer.providers.azure.compute.uniform import UniformMembers
from cloudlayer.providers.azure.marks import last_name, tags_of
from cloudlayer.resources import Instance

Document = Mapping[str, Any]
Addresses = tuple[str | None, str | None]


class Views:
    """Looks at the machines of one resource group, in one location."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._uniform = UniformMembers(client)

    def get(self, name: str, deadline: Deadline) -> Instance:
        """One machine as it is now; NotFound if it is not there."""
        found = self.find(name, deadline)
        if found is None:
            raise NotFound(f"instance {name} is not there", provider="azure", code="ResourceNotFound")
        return read_instance(found, self._client.region, self._addresses(found, deadline))

    def find(self, name: str, deadline: Deadline) -> Document | None:
        """A machine's description with its view; None if it is not there, or its name is none that a machine could have."""
        if not name:
            return None
        if "/" in name:
            found = self._uniform.find(name, deadline)
        else:
            found = self._client.find(
                "compute", "virtual_machines.get", self._client.group, name, expand="instanceView", deadline=deadline
            )
        return found if found is not None and self._is_here(found) else None

    def list(self, labels: Mapping[str, str], deadline: Deadline) -> list[Instance]:
        """The machines that carry all of the labels, with power and addresses: whole lists each."""
        client = self._client
        listed = client.pages("compute", "virtual_machines.list", client.group, deadline=deadline)
        found = [item for item in listed if self._is_here(item) and labels.items() <= tags_of(item).items()]
        found += [item for item in self._uniform.list(labels, deadline) if self._is_here(item)]
        if not found:
            return []
        statuses, cards = self._statuses(deadline), self._cards(deadline)
        return [
            read_instance(_with_view(item, statuses), client.region, cards.get((card_of(item) or "").lower(), (None, None)))
            for item in found
        ]

    def _is_here(self, found: Document) -> bool:
        return str(found.get("location", "")).lower().replace(" ", "") == self._client.region

    def _statuses(self, deadline: Deadline) -> dict[str, Any]:
        """Views by machine's id: Azure tells power in a list only for a whole subscription, and then little else."""
        listed = self._client.pages("compute", "virtual_machines.list_all", status_only="true", deadline=deadline)
        return {found["id"].lower(): found.get("properties", {}).get("instanceView") for found in listed}

    def _cards(self, deadline: Deadline) -> dict[str, Addresses]:
        """Addresses by the name of the network interface that has them."""
        client = self._client
        public = {
            found["id"].lower(): found["properties"].get("ipAddress")
            for found in client.pages("network", "public_ip_addresses.list", client.group, deadline=deadline)
        }
        cards = client.pages("network", "network_interfaces.list", client.group, deadline=deadline)
        return {card["name"].lower(): _card_addresses(card, public) for card in cards}

    def _addresses(self, found: Document, deadline: Deadline) -> Addresses:
        name, client = card_of(found), self._client
        card = name and client.find("network", "network_interfaces.get", client.group, name, deadline=deadline)
        if not card:
            return None, None
        public = {one.lower(): self._public(one, deadline) for one in _public_ids(card)}
        return _card_addresses(card, public)

    def _public(self, id: str, deadline: Deadline) -> str | None:
        client = self._client
        found = client.find("network", "public_ip_addresses.get", client.group, last_name(id), deadline=deadline)
        return found["properties"].get("ipAddress") if found else None


def _with_view(found: Document, statuses: Mapping[str, Any]) -> Document:
    view = statuses.get(found["id"].lower())
    return {**found, "properties": {**found["properties"], "instanceView": view}} if view else found


def _configurations(card: Document) -> Iterable[Document]:
    return [one["properties"] for one in card["properties"].get("ipConfigurations") or ()]


def _public_ids(card: Document) -> Iterator[str]:
    for one in _configurations(card):
        if one.get("publicIPAddress"):
            yield one["publicIPAddress"]["id"]


def _card_addresses(card: Document, public: Mapping[str, str | None]) -> Addresses:
    private = next((one.get("privateIPAddress") for one in _configurations(card)), None)
    return private, next((public.get(one.lower()) for one in _public_ids(card)), None)
