"""Members of uniform scale sets: machines that are parts of their set, and are known as "SET/NUMBER"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.marks import tags_of

Document = Mapping[str, Any]

_PARTS: Final = "virtual_machine_scale_set_vms"
_MACHINES: Final = "virtual_machines"


def operation_of(name: str, verb: str, group: str) -> tuple[str, ...]:
    """The SDK's operation of a verb on a machine of either kind, followed by the arguments that name the machine."""
    owner, slash, number = name.partition("/")
    return (f"{_PARTS}.{verb}", group, owner, number) if slash else (f"{_MACHINES}.{verb}", group, name)


class UniformMembers:
    """Looks at the members of uniform sets in one resource group, as if they were machines of their own."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def find(self, name: str, deadline: Deadline) -> Document | None:
        """A member's description with its view; None if it is not there."""
        owner, _, number = name.partition("/")
        if not owner or not number.isdigit():
            return None
        found = self._client.find(
            *("compute", f"{_PARTS}.get", self._client.group, owner, number), expand="instanceView", deadline=deadline
        )
        return None if found is None else as_machine(owner, found)

    def list(self, labels: Mapping[str, str], deadline: Deadline) -> Iterator[Document]:
        """The members that carry all of the labels, with their views."""
        client = self._client
        for found in client.pages("compute", "virtual_machine_scale_sets.list", client.group, deadline=deadline):
            if str(found["properties"].get("orchestrationMode", "Uniform")).lower() == "uniform":
                for member in self.of(found["name"], deadline):
                    if labels.items() <= tags_of(member).items():
                        yield member

    def of(self, owner: str, deadline: Deadline) -> Iterator[Document]:
        """The members of one set, with their views."""
        listed = self._client.pages(
            *("compute", f"{_PARTS}.list", self._client.group, owner), expand="instanceView", deadline=deadline
        )
        return (as_machine(owner, found) for found in listed)


def as_machine(owner: str, found: Document) -> Document:
    """A member's description as a machine of its own would have it: named by its id here, with its size where theirs is."""
    size = (found.get("sku") or {}).get("name", "")
    properties = {**found["properties"], "hardwareProfile": {"vmSize": size}}
    return {**found, "name": f"{owner}/{found['instanceId']}", "properties": properties}
