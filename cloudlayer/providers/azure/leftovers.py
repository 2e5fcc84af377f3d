"""What broken-off creates of instances left: interfaces, addresses, security groups and disks whose machine is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.network import Network
from cloudlayer.providers.azure.creation import MACHINES, Things
from cloudlayer.providers.azure.marks import PART_OF, PLACE, is_ours, is_young, read_labels, tags_of
from cloudlayer.resources import Leftover


class LaunchPieces:
    """Finds and deletes pieces of machines in one resource group. A young one may be about to be used: it is spared."""

    def __init__(self, client: Client, network: Network, clock: Clock) -> None:
        self._region = client.region
        self._network = network
        self._machines = Things(client, MACHINES)
        self._clock = clock

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        """Pieces with all of the labels that belong to no machine, in an order in which they can be deleted."""
        found = [(kind, item) for kind in self._network.pieces for item in self._pieces(kind, labels, deadline)]
        machines = {str(one["name"]).lower() for one in self._machines.all(deadline)} if found else set()
        for kind, item in found:
            tags = tags_of(item)
            if tags[PART_OF].lower() not in machines and not is_young(tags, self._clock.now()):
                yield Leftover(
                    item["name"],
                    kind,
                    "azure",
                    self._region,
                    name=item["name"],
                    labels=read_labels(tags),
                    native=item,
                )

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one, unless it is in use after all; False if it is of a kind that no machine has."""
        if leftover.kind not in self._network.pieces or PLACE not in tags_of(leftover.native or {}):
            return False
        self._network.delete(leftover.kind, leftover.id, deadline, wait=True)
        return True

    def _pieces(self, kind: str, labels: Mapping[str, str], deadline: Deadline) -> Iterator[Mapping[str, Any]]:
        for item in self._network.pieces[kind].all(deadline):
            tags = tags_of(item)
            if is_ours(tags, labels) and PLACE in tags and PART_OF in tags and not item.get("managedBy"):
                yield item
