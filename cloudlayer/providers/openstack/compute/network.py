"""What a server needs of Neutron: its network, an opening in the firewall, a public address.

A security group is made before its server, under a name that follows from the launch, so that making it twice makes one. A
public address comes after it: Nova deletes with a server only the ports that it made itself, and nobody else may then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cloudlayer.errors import Conflict, InvalidSpec, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.launches import ADDRESS, Launch
from cloudlayer.providers.openstack.creation import look_or_make
from cloudlayer.providers.openstack.pieces import described, labels_of, tags


class Network:
    """Networks, and the pieces of servers in them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def network(self, name: str | None, deadline: Deadline | None = None) -> str:
        """The id of the network of that name or id; without one, the option's, or the only one that is not external."""
        found = self._named("/networks", "networks", name or self._client.options.network, deadline, {"router:external": False})
        return _only(found, "network", "give overrides.network, or connect with the option network")

    def external(self, deadline: Deadline | None = None) -> str:
        """The id of the network that public addresses come from."""
        wanted = self._client.options.external_network
        found = self._named("/networks", "networks", wanted, deadline, {"router:external": True})
        return _only(found, "external network", "connect with the option external_network")

    def group(self, name: str, deadline: Deadline | None = None) -> str:
        """The id of the security group of that name or id."""
        found = self._named("/security-groups", "security_groups", name, deadline, {})
        return _only(found, f"security group {name}", "name one by its id in overrides.security_groups")

    def groups(self, launch: Launch, given: Sequence[str], deadline: Deadline | None = None) -> list[str]:
        """Ids of the security groups for a launch, its own among them; none where the project's default is to be used."""
        return [*given, self._own_group(launch.group, launch, deadline)] if launch.group else [*given]

    def public_addresses(self, deadline: Deadline | None = None) -> dict[str, str]:
        """The public address of each server that has one, by the server's id; Nova shows a new one some time later."""
        found = self._list("floatingips", {}, deadline)
        served = [address for address in found if (address.get("port_details") or {}).get("device_id")]
        return {address["port_details"]["device_id"]: address["floating_ip_address"] for address in served}

    def public_address(self, launch: Launch, server: str, deadline: Deadline | None = None) -> bool:
        """Give the server a public address, unless it has one; False while it has no port yet that could carry it."""
        port = next(iter(self._list("ports", {"device_id": server}, deadline)), None)
        if port is None:
            return False
        if any(self._list("floatingips", {"port_id": port["id"]}, deadline)):
            return True
        wanted = {
            "floating_network_id": self.external(deadline),
            "port_id": port["id"],
            "description": described(launch.labels),
        }
        with suppress(Conflict):  # the port has one from a try whose answer was lost: it can have only one
            body = {"floatingip": wanted}
            made = self._client.call("network", "POST", "/floatingips", json=body, deadline=deadline)["floatingip"]
            self._tag("floatingips", made, launch, deadline)
        return True

    def release(self, pieces: set[str], server: str, deadline: Deadline | None = None) -> None:
        """What comes before a server is deleted: it leaves its group, which could not be deleted else, and its address."""
        for port in self._list("ports", {"device_id": server}, deadline) if pieces else ():
            if ADDRESS in pieces:
                self._give_back(port["id"], deadline)
            own = {group["id"] for name in pieces - {ADDRESS} for group in self._by_name("security-groups", name, deadline)}
            rest = [group for group in port["security_groups"] if group not in own]
            if rest != port["security_groups"]:
                body = {"port": {"security_groups": rest}}
                with suppress(NotFound):
                    self._client.call("network", "PUT", f"/ports/{port['id']}", json=body, deadline=deadline)

    def remove(self, groups: Iterable[str], deadline: Deadline | None = None) -> None:
        """Delete the security groups of these names; one that a server is in stays."""
        for name in groups:
            for group in self._by_name("security-groups", name, deadline):
                self.delete("security-groups", group["id"], deadline)

    def delete(self, kind: str, id: str, deadline: Deadline | None = None) -> None:
        """Delete a piece; one that is gone or in use is no error."""
        with suppress(NotFound, Conflict):
            self._client.call("network", "DELETE", f"/{kind}/{id}", deadline=deadline)

    def _own_group(self, name: str, launch: Launch, deadline: Deadline | None) -> str:
        group = self._group(name, launch, deadline)
        present = [rule for rule in group["security_group_rules"] if rule["direction"] == "ingress"]
        if len(present) < len(launch.rules):
            rules = [{**rule, "security_group_id": group["id"]} for rule in launch.rules]
            with suppress(Conflict):  # they are there from an earlier try: they are made all at once
                body = {"security_group_rules": rules}
                self._client.call("network", "POST", "/security-group-rules", json=body, deadline=deadline)
        return str(group["id"])

    def _group(self, name: str, launch: Launch, deadline: Deadline | None) -> dict[str, Any]:
        kind, word = "security-groups", "security_group"
        body = {word: {"name": name, "description": described(launch.labels)}}

        def look() -> dict[str, Any] | None:
            found = sorted(self._by_name(kind, name, deadline), key=lambda piece: (piece["created_at"], piece["id"]))
            return found[0] if found else None

        def make() -> dict[str, Any]:
            answer = self._client.call("network", "POST", f"/{kind}", json=body, again=False, deadline=deadline)
            made: dict[str, Any] = answer[word]
            return made

        piece = look_or_make(self._client.retries, look, make, doing=f"making the {word} {name}", deadline=deadline)
        self._tag(kind, piece, launch, deadline)
        return piece

    def _tag(self, kind: str, piece: Mapping[str, Any], launch: Launch, deadline: Deadline | None) -> None:
        wanted = tags(launch.labels)
        if set(wanted) - set(piece.get("tags") or ()):
            self._client.call("network", "PUT", f"/{kind}/{piece['id']}/tags", json={"tags": wanted}, deadline=deadline)

    def _give_back(self, port: str, deadline: Deadline | None) -> None:
        for address in self._list("floatingips", {"port_id": port}, deadline):
            if labels_of(address):
                self.delete("floatingips", address["id"], deadline)

    def _by_name(self, kind: str, name: str, deadline: Deadline | None) -> list[dict[str, Any]]:
        return list(self._list(kind, {"name": name}, deadline))

    def _list(self, kind: str, query: Mapping[str, Any], deadline: Deadline | None) -> Iterable[dict[str, Any]]:
        return self._client.pages("network", f"/{kind}", kind.replace("-", "_"), query=query, deadline=deadline)

    def _named(
        self, path: str, key: str, name: str | None, deadline: Deadline | None, query: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        found = list(self._client.pages("network", path, key, query=query, deadline=deadline))
        return [item for item in found if name is None or name in (item["name"], item["id"])]


def _only(found: Sequence[Mapping[str, Any]], kind: str, mend: str) -> str:
    if len(found) == 1:
        return str(found[0]["id"])
    known = ", ".join(sorted(f"{item['name']} ({item['id']})" for item in found)[:20])
    raise InvalidSpec(f"{kind}: there are several: {known}: {mend}" if found else f"{kind}: there is none of that name: {mend}")
