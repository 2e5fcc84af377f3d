"""What is in a balancer's backend pool: interfaces of machines and of groups' members, or addresses; never both kinds."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cloudlayer.errors import Conflict, InvalidSpec, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.creation import insist
from cloudlayer.providers.azure.load_balancing.balancers import POOL, pool_of
from cloudlayer.providers.azure.load_balancing.cards import Cards
from cloudlayer.providers.azure.marks import last_name, part
from cloudlayer.resources import TargetSpec

_POOLS: Final = "load_balancer_backend_address_pools"
_BEING_CHANGED: Final = ("PreconditionFailed",)
_MIXED: Final = "a backend pool of Azure's takes either addresses or instances and groups: make a balancer for each"

Document = Mapping[str, Any]


def check_targets(targets: Sequence[TargetSpec]) -> None:
    """Raise InvalidSpec for what is no address, Unsupported for addresses beside instances or groups."""
    for target in targets:
        if target.address is not None:
            _check_address(target.address)
    if len({target.address is not None for target in targets}) > 1:
        raise Unsupported(f"targets: {_MIXED}", provider="azure", code="Unsupported")


class Targets:
    """The targets of balancers in one resource group."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._cards = Cards(client)

    @property
    def cards(self) -> Cards:
        """The interfaces of machines and scale sets."""
        return self._cards

    def check(self, targets: Sequence[TargetSpec], deadline: Deadline) -> dict[str, str]:
        """The interfaces of the instances among them, by instance; NotFound for an instance or group that is not there."""
        for target in targets:
            if target.group is not None:
                self._cards.require_set(target.group, deadline)
        machines = [target.instance for target in targets if target.instance is not None]
        return {machine: self._cards.of_machine(machine, deadline) for machine in machines}

    def register(self, found: Document, targets: Sequence[TargetSpec], network: str, deadline: Deadline) -> None:
        """Put targets into a balancer's pool; addresses are those of a virtual network. None is added if one is not there."""
        cards, pool = self.check(targets, deadline), str(pool_of(found)["id"])
        addresses = [target.address for target in targets if target.address is not None]
        self._require(found, bool(addresses), len(targets))
        if addresses:
            self._add(found["name"], addresses, network, deadline)
        for card in cards.values():
            self._cards.join(card, pool, deadline)
        for target in targets:
            if target.group is not None:
                self._cards.join_set(target.group, pool, deadline)

    def present(self, found: Document, targets: Sequence[TargetSpec], deadline: Deadline) -> list[TargetSpec]:
        """Those of the targets that are in a balancer's pool."""
        pool = pool_of(found)
        machines, addresses = set(self.machines(pool, deadline)), set(addresses_in(pool))
        groups = any(target.group is not None for target in targets)
        sets = set(self._cards.sets(str(pool["id"]), deadline)) if groups else set()
        return [
            target for target in targets if target.instance in machines or target.address in addresses or target.group in sets
        ]

    def deregister(self, found: Document, targets: Sequence[TargetSpec], deadline: Deadline) -> None:
        """Take targets out of a balancer's pool; what is not in is no error."""
        pool = pool_of(found)
        leaving = {target.instance for target in targets if target.instance is not None}
        for machine, card in self.machines(pool, deadline).items():
            if machine in leaving:
                self._cards.leave(card[0], str(pool["id"]), deadline)
        for target in targets:
            if target.group is not None:
                self._cards.leave_set(target.group, str(pool["id"]), deadline)
        addresses = {target.address for target in targets if target.address is not None}
        if addresses & set(addresses_in(pool)):
            self._drop(found["name"], addresses, deadline)

    def empty(self, found: Document, deadline: Deadline) -> None:
        """Take everything out of a balancer's pool that would keep it from being deleted."""
        pool = pool_of(found)
        if not pool:
            return
        for name in self._cards.sets(str(pool["id"]), deadline):
            self._cards.leave_set(name, str(pool["id"]), deadline)
        for card in _cards_in(pool):
            if part(card, "virtualMachineScaleSets") is None:
                self._cards.leave(str(part(card, "networkInterfaces")), str(pool["id"]), deadline)

    def machines(self, pool: Document, deadline: Deadline) -> dict[str, tuple[str, str | None]]:
        """The instances in a pool, each with the name and the private address of its interface.

        The address of a uniform scale set's member is None: its interface is no resource of its own.
        """
        inside = list(_cards_in(pool))
        if not inside:
            return {}
        found: dict[str, tuple[str, str | None]] = {}
        names = {str(part(card, "networkInterfaces")).lower() for card in inside if not part(card, "virtualMachineScaleSets")}
        for card in self._cards.all(deadline) if names else ():
            machine = (card["properties"].get("virtualMachine") or {}).get("id")
            if machine and card["name"].lower() in names:
                address = card["properties"]["ipConfigurations"][0]["properties"].get("privateIPAddress")
                found[last_name(machine)] = (card["name"], address)
        for inner in inside:
            group = part(inner, "virtualMachineScaleSets")
            if group:
                found[f"{group}/{part(inner, 'virtualMachines')}"] = (str(part(inner, "networkInterfaces")), None)
        return found

    def _require(self, found: Document, addresses: bool, count: int) -> None:
        pool = pool_of(found)
        others = list(_cards_in(pool)) if addresses else list(addresses_in(pool))
        if count and others:
            raise Unsupported(f"targets: {_MIXED}", provider="azure", code="Unsupported")

    def _add(self, balancer: str, addresses: Sequence[str], network: str, deadline: Deadline) -> None:
        entries = [
            {"name": _entry(address), "properties": {"ipAddress": address, "virtualNetwork": {"id": network}}}
            for address in dict.fromkeys(addresses)
        ]
        self._write(balancer, entries, set(addresses), deadline, kept=True)

    def _drop(self, balancer: str, addresses: set[str], deadline: Deadline) -> None:
        self._write(balancer, [], addresses, deadline, kept=False)

    def _write(
        self, balancer: str, entries: Sequence[Document], addresses: set[str], deadline: Deadline, *, kept: bool
    ) -> None:
        """Bring a pool's addresses to what they were with the entries in place of `addresses`, until they are so."""
        client = self._client
        where = (client.group, balancer, POOL)
        while True:
            deadline.check(f"changing the addresses of {balancer}")
            pool = client.call("network", f"{_POOLS}.get", *where, deadline=deadline)
            present = set(addresses_in(pool))
            if (addresses <= present) if kept else not (addresses & present):
                return
            others = [item for item in _entries(pool) if item["properties"].get("ipAddress") not in addresses]
            body = {**pool, "properties": {**pool["properties"], "loadBalancerBackendAddresses": [*others, *entries]}}
            match = {"If-Match": pool["etag"]} if pool.get("etag") else {}
            try:
                self._put(where, body, match, deadline)
            except Conflict as error:  # another caller has changed it meanwhile: it is read and changed again
                if error.code not in _BEING_CHANGED:
                    raise

    def _put(self, where: Sequence[str], body: Document, match: Mapping[str, str], deadline: Deadline) -> None:
        """Write a pool, once nothing else is under way with its balancer."""
        client, operation = self._client, f"{_POOLS}.begin_create_or_update"
        insist(client, lambda: client.run("network", operation, *where, body, deadline=deadline, headers=dict(match)), deadline)


def addresses_in(pool: Document) -> list[str]:
    """The addresses that were put into a pool as such."""
    return [str(item["properties"]["ipAddress"]) for item in _entries(pool) if item["properties"].get("ipAddress")]


def _entries(pool: Document) -> list[Document]:
    """Addresses that are none of an interface's: Azure lists those too, beside the interfaces."""
    listed = (pool.get("properties") or {}).get("loadBalancerBackendAddresses") or ()
    return [item for item in listed if not item["properties"].get("networkInterfaceIPConfiguration")]


def _cards_in(pool: Document) -> Iterator[str]:
    """The ids of the interfaces' configurations in a pool."""
    for item in (pool.get("properties") or {}).get("backendIPConfigurations") or ():
        yield str(item["id"])


def _entry(address: str) -> str:
    return f"at-{address.replace('.', '-').replace(':', '-')}"


def _check_address(address: str) -> None:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise InvalidSpec(f'targets.address: "{address}" is no IP address; give one, such as "10.117.0.7"') from None
