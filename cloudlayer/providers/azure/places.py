"""Where instances, groups and balancers live: the subnet that is named, or that of a network of our own."""

from __future__ import annotations

import threading
from typing import Final

from cloudlayer.errors import Conflict, InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.marks import same_id

NETWORK: Final = "cloudlayer"
"""The name of the virtual network, and of its subnet, for what names none. It stays: all of the resource group share it."""

_RANGE: Final = "10.117.0.0/16"


class Places:
    """Finds subnets; makes the network of our own when it is first needed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        network = f"{NETWORK}-{client.region}"
        self._own = client.id("Microsoft.Network/virtualNetworks", f"{network}/subnets/{NETWORK}")

    def subnet(self, named: str | None, deadline: Deadline) -> str:
        """The id of a subnet: that of an id or "network/subnet", else the option's, else our own network's.

        InvalidSpec if it is named and not there, or named in neither way.
        """
        named = named or self._client.options.subnet
        if named is None:
            return self._default(deadline)
        found = self._written_out(named)
        group, network, name = _parts(found)
        if self._client.find("network", "subnets.get", group, network, name, deadline=deadline) is None:
            raise InvalidSpec(f'subnet: "{named}" is not there; see `az network vnet list --resource-group {group}`')
        return found

    def with_endpoint(self, named: str | None, service: str, deadline: Deadline) -> str:
        """As `subnet`, for one from which a service such as "Microsoft.Storage" may be reached by its network's rule.

        Our own gets the endpoint that this takes; InvalidSpec for another that has none.
        """
        subnet = self.subnet(named, deadline)
        group, network, name = _parts(subnet)
        found = self._client.call("network", "subnets.get", group, network, name, deadline=deadline)
        present = found["properties"].get("serviceEndpoints") or ()
        if any(item.get("service") == service for item in present):
            return subnet
        if not same_id(subnet, self._own):
            mend = f"az network vnet subnet update --ids {subnet} --service-endpoints {service}"
            raise InvalidSpec(f"subnet: {network}/{name} has no endpoint for {service}: `{mend}`")
        properties = {**found["properties"], "serviceEndpoints": [*present, {"service": service}]}
        body = {"name": name, "properties": properties}
        self._client.run("network", "subnets.begin_create_or_update", group, network, name, body, deadline=deadline)
        return subnet

    def _written_out(self, named: str) -> str:
        if named.startswith("/subscriptions/"):
            return named
        network, slash, name = named.partition("/")
        if not slash or not name or "/" in name:
            raise InvalidSpec(f'subnet: "{named}" is neither an id ("/subscriptions/…") nor "network/subnet"')
        return self._client.id("Microsoft.Network/virtualNetworks", f"{network}/subnets/{name}")

    def _default(self, deadline: Deadline) -> str:
        """The subnet of our own network in this location, made if it is not there."""
        client, network = self._client, f"{NETWORK}-{self._client.region}"
        with self._lock:
            if client.find("network", "subnets.get", client.group, network, NETWORK, deadline=deadline) is None:
                self._make(network, deadline)
        return self._own

    def _make(self, network: str, deadline: Deadline) -> None:
        client = self._client
        body = {
            "location": client.region,
            "properties": {
                "addressSpace": {"addressPrefixes": [_RANGE]},
                "subnets": [{"name": NETWORK, "properties": {"addressPrefix": _RANGE}}],
            },
        }
        try:
            client.run("network", "virtual_networks.begin_create_or_update", client.group, network, body, deadline=deadline)
        except Conflict:  # another process makes the same one now
            client.call("network", "subnets.get", client.group, network, NETWORK, deadline=deadline)


def _parts(id: str) -> tuple[str, str, str]:
    """Resource group, network and name of a subnet's id."""
    pieces = id.strip("/").split("/")
    if len(pieces) != 10 or pieces[2].lower() != "resourcegroups" or pieces[8].lower() != "subnets":
        raise InvalidSpec(f'subnet: "{id}" is no id of a subnet: /subscriptions/…/virtualNetworks/NETWORK/subnets/NAME')
    return pieces[3], pieces[7], pieces[9]
