"""What broken-off launches leave: firewall rules whose tag no instance carries. Disks that outlive theirs are volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.compute.launches import TAG_PREFIX
from cloudlayer.providers.gcp.firewall import KIND, Firewall
from cloudlayer.resources import Leftover


class LaunchPieces:
    """The pieces of launches. None is spared for being young: a create that is about to use one makes it again."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._firewall = Firewall(client, TAG_PREFIX)

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Sequence[Leftover]:
        """Those of ours with all of `labels`."""
        found = list(self._firewall.leftovers((), labels, deadline))
        used = self._used(deadline) if found else set()
        return [leftover for leftover in found if not used & set(leftover.native.target_tags)]

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them, unless it is in use after all. False if it is of another kind."""
        if leftover.kind != KIND or not self._firewall.owns(leftover.id):
            return False
        tag = leftover.id.rpartition("-")[0]
        return tag in self._used(deadline) or self._firewall.delete_leftover(leftover, deadline)

    def _used(self, deadline: Deadline) -> set[str]:
        """The network tags of all instances here."""
        instances = self._client.everywhere("instances", deadline=deadline)
        return {tag for instance in instances for tag in instance.tags.items}
