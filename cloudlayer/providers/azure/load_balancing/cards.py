"""Network interfaces in backend pools: those of machines, each by itself, and those that scale sets give their members.

Azure keeps with each interface which pools it is in. An interface is written whole, under the condition that nobody else has
changed it since it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.creation import CARDS, MACHINES, SETS, Things
from cloudlayer.providers.azure.marks import last_name, same_id

_POOLS: Final = "loadBalancerBackendAddressPools"
_CHANGED: Final = ("PreconditionFailed",)
_UNIFORM: Final = "Uniform"

Document = Mapping[str, Any]


class Cards:
    """Puts network interfaces into backend pools, and takes them out."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._cards = Things(client, CARDS)
        self._machines = Things(client, MACHINES)
        self._sets = Things(client, SETS)

    def of_machine(self, machine: str, deadline: Deadline) -> str:
        """The name of a machine's first interface; NotFound if the machine is not there."""
        if "/" in machine:
            message = f"targets: {machine} is a member of a uniform scale set: name the group, which brings its members"
            raise NotFound(message, provider="azure", code="TargetNotFound")
        found = self._machines.get(machine, deadline)
        for card in found["properties"]["networkProfile"]["networkInterfaces"]:
            return last_name(card["id"])
        raise NotFound(f"targets: {machine} has no network interface", provider="azure", code="TargetNotFound")

    def all(self, deadline: Deadline) -> list[dict[str, Any]]:
        """Every machine's interface in the resource group."""
        return self._cards.all(deadline)

    def join(self, card: str, pool: str, deadline: Deadline) -> None:
        """Put an interface into a pool; it is no error if it is in."""
        self._write(card, lambda pools: [*pools, {"id": pool}] if not _has(pools, pool) else None, deadline)

    def leave(self, card: str, pool: str, deadline: Deadline) -> None:
        """Take an interface out of a pool; it is no error if it is not in, or not there."""
        try:
            self._write(card, lambda pools: _without(pools, pool) if _has(pools, pool) else None, deadline)
        except NotFound:
            return

    def sets(self, pool: str, deadline: Deadline) -> list[str]:
        """The names of the scale sets whose members go into a pool."""
        return [found["name"] for found in self._sets.all(deadline) if _has(pools_of(found), pool)]

    def require_set(self, name: str, deadline: Deadline) -> None:
        """NotFound if the scale set is not there."""
        self._sets.get(name, deadline)

    def join_set(self, name: str, pool: str, deadline: Deadline) -> None:
        """Put the members of a scale set into a pool, and those that it makes from now on."""
        self._write_set(name, lambda pools: [*pools, {"id": pool}] if not _has(pools, pool) else None, deadline)
        self._bring(name, lambda card: self.join(card, pool, deadline), deadline)

    def leave_set(self, name: str, pool: str, deadline: Deadline) -> None:
        """Take the members of a scale set out of a pool; one that is not in, or not there, is no error."""
        try:
            self._write_set(name, lambda pools: _without(pools, pool) if _has(pools, pool) else None, deadline)
            self._bring(name, lambda card: self.leave(card, pool, deadline), deadline)
        except NotFound:
            return

    def _write(self, card: str, changed: Callable[[Sequence[Document]], list[Document] | None], deadline: Deadline) -> None:
        while True:
            deadline.check(f"changing the pools of {card}")
            found = self._cards.get(card, deadline)
            first, *others = found["properties"]["ipConfigurations"]
            wanted = changed(first["properties"].get(_POOLS) or ())
            if wanted is None:
                return
            first = {**first, "properties": {**first["properties"], _POOLS: wanted}}
            body = {**found, "properties": {**found["properties"], "ipConfigurations": [first, *others]}}
            try:
                self._cards.put(card, body, deadline, match=found.get("etag"))
            except Conflict as error:  # another caller has changed it meanwhile: it is read and changed again
                if error.code not in _CHANGED:
                    raise

    def _write_set(self, name: str, changed: Callable[[Sequence[Document]], list[Document] | None], deadline: Deadline) -> None:
        """Change the pools in a scale set's model, which its next members are made from."""
        found = self._sets.get(name, deadline)
        wanted = changed(pools_of(found))
        if wanted is None:
            return
        network = found["properties"]["virtualMachineProfile"]["networkProfile"]
        cards = with_pools(network["networkInterfaceConfigurations"], wanted)
        profile = {"networkProfile": {"networkInterfaceConfigurations": cards}}
        self._sets.change(name, {"properties": {"virtualMachineProfile": profile}}, deadline)

    def _bring(self, name: str, change: Callable[[str], None], deadline: Deadline) -> None:
        """Have the members that are there follow the model: each interface, or for a uniform set Azure's own upgrade."""
        found = self._sets.get(name, deadline)
        if found["properties"].get("orchestrationMode", _UNIFORM) == _UNIFORM:
            self._upgrade(name, deadline)
            return
        for machine in self._machines.all(deadline):
            if same_id((machine["properties"].get("virtualMachineScaleSet") or {}).get("id"), found["id"]):
                for card in machine["properties"]["networkProfile"].get("networkInterfaces") or ():
                    self._changed(last_name(card["id"]), change)

    def _changed(self, card: str, change: Callable[[str], None]) -> None:
        try:
            change(card)
        except NotFound:  # its machine went meanwhile
            return

    def _upgrade(self, name: str, deadline: Deadline) -> None:
        client = self._client
        listed = client.pages("compute", "virtual_machine_scale_set_vms.list", client.group, name, deadline=deadline)
        members = [found["instanceId"] for found in listed]
        if members:
            body = {"instanceIds": members}
            operation = "virtual_machine_scale_sets.begin_update_instances"
            client.run("compute", operation, client.group, name, body, deadline=deadline)


def pools_of(found: Document) -> Sequence[Document]:
    """The backend pools in the model of a scale set."""
    profile = (found["properties"].get("virtualMachineProfile") or {}).get("networkProfile") or {}
    for card in profile.get("networkInterfaceConfigurations") or ():
        for configuration in card["properties"].get("ipConfigurations") or ():
            return configuration["properties"].get(_POOLS) or ()
    return ()


def with_pools(cards: Sequence[Document], pools: Sequence[Document]) -> list[dict[str, Any]]:
    """The interfaces of a scale set's model, the first one in these pools."""
    first, *others = [dict(card) for card in cards]
    configuration, *more = first["properties"]["ipConfigurations"]
    configuration = {**configuration, "properties": {**configuration["properties"], _POOLS: list(pools)}}
    first["properties"] = {**first["properties"], "ipConfigurations": [configuration, *more]}
    return [first, *others]


def _has(pools: Sequence[Document], pool: str) -> bool:
    return any(same_id(item.get("id"), pool) for item in pools)


def _without(pools: Sequence[Document], pool: str) -> list[Document]:
    return [item for item in pools if not same_id(item.get("id"), pool)]
