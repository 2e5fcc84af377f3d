"""The members of scale sets: virtual machines of a flexible set, numbered parts of a uniform one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudlayer.errors import NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.autoscaling.models import is_flexible
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.instances import read_instance
from cloudlayer.providers.azure.compute.uniform import UniformMembers
from cloudlayer.providers.azure.creation import MACHINES, Things
from cloudlayer.providers.azure.marks import MODEL, tags_of, zone_of
from cloudlayer.resources import GroupMember, InstanceState

Document = Mapping[str, Any]
_SETS = "virtual_machine_scale_sets"


@dataclass(frozen=True, slots=True)
class Member:
    """A member: what it is known by here, in its set's own calls, and the digest of the template that it was made from."""

    id: str
    number: str
    state: InstanceState
    zone: str
    tags: Mapping[str, str]
    reason: str | None

    @property
    def model(self) -> str:
        """The digest."""
        return self.tags.get(MODEL, "")

    @property
    def healthy(self) -> bool:
        """Whether it runs."""
        return self.state is InstanceState.RUNNING

    @property
    def noun(self) -> GroupMember:
        """As we tell it."""
        return GroupMember(self.id, self.zone, self.state, healthy=self.healthy)


class Members:
    """The members of the scale sets in one resource group."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._machines = Things(client, MACHINES)
        self._parts = UniformMembers(client)

    def of(self, found: Document, deadline: Deadline) -> list[Member]:
        """The members of a set that is described."""
        return self.of_all([found], deadline).get(_key(found), [])

    def of_all(self, sets: Iterable[Document], deadline: Deadline) -> dict[str, list[Member]]:
        """The members of several sets, by the sets' ids in small letters."""
        known = list(sets)
        flexible = {_key(found) for found in known if is_flexible(found)}
        members = self._flexible(flexible, deadline) if flexible else {}
        for found in known:
            if not is_flexible(found):
                members[_key(found)] = [self._numbered(one) for one in self._parts.of(found["name"], deadline)]
        return members

    def delete(self, found: Document, members: Sequence[Member], deadline: Deadline) -> None:
        """Delete some members, by which the set's capacity goes down, and wait until they are gone."""
        if not is_flexible(found):
            body = {"instanceIds": [member.number for member in members]}
            where = (self._client.group, found["name"])
            self._client.run("compute", f"{_SETS}.begin_delete_instances", *where, body, deadline=deadline)
            return
        for member in members:
            self._machines.delete(member.id, deadline)
        for member in members:
            self._machines.delete(member.id, deadline, wait=True)

    def tag(self, found: Document, members: Sequence[Member], tags: Mapping[str, str], deadline: Deadline) -> None:
        """Give members other tags; their disks and interfaces keep theirs."""
        if not is_flexible(found):
            body = {"instanceIds": [member.number for member in members]}
            where = (self._client.group, found["name"])
            self._client.run("compute", f"{_SETS}.begin_update_instances", *where, body, deadline=deadline)
            return
        for member in members:
            try:
                self._machines.change(member.id, {"tags": dict(tags)}, deadline)
            except NotFound:
                continue

    def _flexible(self, sets: set[str], deadline: Deadline) -> dict[str, list[Member]]:
        found: dict[str, list[Document]] = {}
        for machine in self._machines.all(deadline):
            owner = str((machine["properties"].get("virtualMachineScaleSet") or {}).get("id", "")).lower()
            if owner in sets:
                found.setdefault(owner, []).append(machine)
        views = self._views(deadline) if found else {}
        return {owner: [self._member(machine, views) for machine in machines] for owner, machines in found.items()}

    def _member(self, machine: Document, views: Mapping[str, Any]) -> Member:
        view = views.get(str(machine["id"]).lower()) or {}
        seen = read_instance({**machine, "properties": {**machine["properties"], "instanceView": view}}, self._client.region)
        return Member(machine["name"], machine["name"], seen.state, zone_of(machine), tags_of(machine), seen.reason)

    def _views(self, deadline: Deadline) -> dict[str, Any]:
        """Views by machine's id: Azure tells power in a list only for a whole subscription."""
        listed = self._client.pages("compute", "virtual_machines.list_all", status_only="true", deadline=deadline)
        return {str(item["id"]).lower(): item.get("properties", {}).get("instanceView") for item in listed}

    def _numbered(self, found: Document) -> Member:
        seen = read_instance(found, self._client.region)
        return Member(found["name"], str(found["instanceId"]), seen.state, zone_of(found), tags_of(found), seen.reason)


def alive(members: Iterable[Member]) -> list[Member]:
    """Those that are not gone, nor going."""
    return [member for member in members if not member.state.gone]


def _key(found: Document) -> str:
    return str(found["id"]).lower()
