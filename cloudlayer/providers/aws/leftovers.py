"""What broken-off launches leave: security groups that no instance is in, and network interfaces of none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client, filters
from cloudlayer.providers.aws.compute.instances import is_own_group
from cloudlayer.providers.aws.compute.network import Network
from cloudlayer.providers.aws.tags import read_tags, tag_filters
from cloudlayer.resources import Leftover

_FIREWALL: Final = "security-group"
_CARD: Final = "network-interface"
_ASKED_AT_ONCE: Final = 200


class LaunchPieces:
    """The pieces of launches in one region. EC2 tells of none how old it is, so the youngest are told too."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._network = Network(client)

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Sequence[Leftover]:
        """Those of ours with all of `labels`; volumes that outlived their instances are listed as volumes."""
        return [*self._firewalls(labels, deadline), *self._cards(labels, deadline)]

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them; EC2 keeps what is in use after all. False if it is of another kind."""
        if leftover.kind == _FIREWALL and is_own_group(leftover.name or ""):
            self._network.delete(leftover.id, deadline)
            return True
        if leftover.kind == _CARD:
            with suppress(NotFound, Conflict):
                self._client.call("delete_network_interface", NetworkInterfaceId=leftover.id, deadline=deadline)
            return True
        return False

    def _firewalls(self, labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        ours = [
            found
            for found in self._ours("describe_security_groups", "SecurityGroups", labels, deadline)
            if is_own_group(found["GroupName"])
        ]
        used = self._used([found["GroupId"] for found in ours], deadline)
        for found in ours:
            if found["GroupId"] not in used:
                yield self._leftover(found["GroupId"], _FIREWALL, found["GroupName"], found)

    def _cards(self, labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        free = filters(status="available")
        for found in self._ours("describe_network_interfaces", "NetworkInterfaces", labels, deadline, free):
            yield self._leftover(found["NetworkInterfaceId"], _CARD, None, found)

    def _ours(
        self,
        operation: str,
        key: str,
        labels: Mapping[str, str],
        deadline: Deadline,
        wanted: Sequence[dict[str, Any]] = (),
    ) -> Iterator[dict[str, Any]]:
        """Descriptions of what carries the labels and was made by a create."""
        chosen = [*tag_filters(labels), *filters(tag_key=names.TOKEN), *wanted]
        for found in self._client.pages(operation, key, Filters=chosen, deadline=deadline):
            tags = _labels(found)
            if labels.items() <= tags.items() and names.TOKEN in tags:
                yield found

    def _used(self, groups: Sequence[str], deadline: Deadline) -> set[str]:
        """Those of the security groups that a network interface is in."""
        used: set[str] = set()
        for start in range(0, len(groups), _ASKED_AT_ONCE):
            wanted = filters(group_id=list(groups[start : start + _ASKED_AT_ONCE]))
            cards = self._client.pages("describe_network_interfaces", "NetworkInterfaces", Filters=wanted, deadline=deadline)
            used |= {group["GroupId"] for card in cards for group in card.get("Groups", ())}
        return used

    def _leftover(self, id: str, kind: str, name: str | None, found: Mapping[str, Any]) -> Leftover:
        return Leftover(id, kind, "aws", self._client.region, name=name, labels=_labels(found), native=found)


def _labels(found: Mapping[str, Any]) -> dict[str, str]:
    """Its labels; network interfaces alone have them under another key."""
    return read_tags({"Tags": found.get("TagSet") or found.get("Tags") or ()})[1]
