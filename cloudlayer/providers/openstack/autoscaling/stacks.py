"""The stacks of Heat that scaling groups are. A stack is changed only when nothing is under way in it: Heat would take a change
before that, and leave the members of the one before half made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.openstack.autoscaling.templates import GROUP, Door, Record, member_tag, request, stack_tags
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.tags import word

_SERVICE: Final = "orchestration"
_LOOK: Final = 0.7
_ENDED: Final = ("DELETE", "ROLLBACK")
_RUNNING: Final = ("ACTIVE", "REBOOT", "HARD_REBOOT", "MIGRATING")


@dataclass(frozen=True, slots=True)
class Stack:
    """A group's stack with all that is in it, and the servers of its members."""

    record: Record
    found: Mapping[str, Any]
    resources: Sequence[Mapping[str, Any]]
    servers: Sequence[Mapping[str, Any]]

    @property
    def id(self) -> str:
        """Its id, which is the group's."""
        return str(self.found["id"])

    @property
    def path(self) -> str:
        """Where it is among Heat's things."""
        return f"/stacks/{self.found['stack_name']}/{self.id}"

    @property
    def status(self) -> str:
        """Its own status, such as "UPDATE_IN_PROGRESS"."""
        return str(self.found["stack_status"])

    @property
    def is_busy(self) -> bool:
        """Whether something is under way in it. A step shows in the group's own stack, and not in this one's status."""
        return any(status.endswith("IN_PROGRESS") for status in (self.status, *self._statuses()))

    @property
    def is_going(self) -> bool:
        """Whether it is deleted, or being deleted."""
        return self.status in ("DELETE_IN_PROGRESS", "DELETE_COMPLETE")

    @property
    def is_changing(self) -> bool:
        """Whether something but a deletion is under way in it."""
        return any(status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS") for status in (self.status, *self._statuses()))

    @property
    def fault(self) -> str | None:
        """Why something in it failed; None if nothing has."""
        if self.status.endswith("FAILED"):
            return str(self.found["stack_status_reason"])
        failed = [each for each in self.resources if each["resource_status"].endswith("FAILED")]
        return str(failed[0]["resource_status_reason"]) if failed else None

    @property
    def size(self) -> int:
        """How many members the group is to have: as was asked for, and once that is reached, as steps have made it."""
        if not self.status.endswith("COMPLETE") or self.status.startswith(_ENDED):
            return self.record.desired
        return len([each for each in self._members() if not each["resource_status"].startswith("DELETE")])

    @property
    def dead(self) -> list[str]:
        """Where the members are, among Heat's things, whose servers do not run: they are gone, stopped or broken."""
        running = {server["id"] for server in self.servers if server["status"] in _RUNNING}
        servers = [each for each in self.resources if each["resource_type"] == "OS::Nova::Server"]
        alive = {each["parent_resource"] for each in servers if each["physical_resource_id"] in running}
        return [_path(each) for each in self._members() if each["resource_name"] not in alive]

    def at_size(self, desired: int) -> Record:
        """The stack's record with another size, which any change has to name: Heat would else undo the steps."""
        ceiling = self.record.spec.max if desired or not self.size else 0
        return self.record.model_copy(update={"desired": desired, "ceiling": ceiling})

    def _members(self) -> list[Mapping[str, Any]]:
        return [each for each in self.resources if each.get("parent_resource") == GROUP]

    def _statuses(self) -> list[str]:
        return [each["resource_status"] for each in self.resources]


class Stacks:
    """Finds and changes the stacks of groups."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def create(self, record: Record, deadline: Deadline) -> Stack:
        """The stack of the record's token, made if it is not there: its name can be used once."""
        try:
            self._call("POST", "/stacks", deadline, json=request(record, self._doors(record, deadline)))
        except Conflict as error:
            if error.code != "StackExists":
                raise
        return self.get(record.name, deadline)

    def get(self, id: str, deadline: Deadline) -> Stack:
        """A group's stack by its id or name; NotFound if it is not there, or is no group's."""
        found = self._call("GET", f"/stacks/{id}", deadline)["stack"]
        if word(found["tags"] or (), "kind") != "group":
            raise NotFound(f"the stack {id} is no scaling group", provider="openstack", code="EntityNotFound")
        return self._read(found, deadline)

    def among(self, labels: Mapping[str, str], balancers: Sequence[str], deadline: Deadline) -> list[Stack]:
        """Every group's stack that carries all of `labels` and whose members are targets of all of `balancers`."""
        query = {"tags": stack_tags(labels, balancers)}
        found = []
        for each in [*self._client.pages(_SERVICE, "/stacks", "stacks", query=query, deadline=deadline)]:
            with suppress(NotFound):  # it may have been deleted meanwhile
                found.append(self.get(each["id"], deadline))
        return [stack for stack in found if labels.items() <= stack.record.labels.items()]

    def settled(self, id: str, deadline: Deadline) -> Stack:
        """The stack once nothing is under way in it; NotFound if it is being deleted."""
        while True:
            stack = self.get(id, deadline)
            if stack.status.startswith("DELETE"):
                raise NotFound(f"the group {id} is being deleted", provider="openstack", code=stack.status)
            if not stack.is_busy:
                return stack
            deadline.check(f"waiting for an earlier change of {id}")
            self._clock.sleep(min(_LOOK, deadline.remaining()))

    def change(self, stack: Stack, record: Record, deadline: Deadline) -> None:
        """Begin to bring a settled stack to a record, members that do not run replaced by new ones."""
        for member in stack.dead:
            more = {"mark_unhealthy": True, "resource_status_reason": "its server does not run"}
            self._call("PATCH", member, deadline, json=more)
        self._call("PUT", stack.path, deadline, json=request(record, self._doors(record, deadline)))

    def delete(self, stack: Stack, deadline: Deadline) -> None:
        """Begin to delete the stack with all that is in it.

        A change that is under way is cancelled, and in ending may take the deletion with it: then it is asked for anew.
        """
        with suppress(NotFound):
            while not stack.is_going or stack.is_changing:
                if not stack.is_going:
                    self._call("DELETE", stack.path, deadline)
                deadline.check(f"deleting {stack.id}")
                self._clock.sleep(min(_LOOK, deadline.remaining()))
                stack = self.get(stack.id, deadline)

    def metadata(self, stack: Stack, deadline: Deadline) -> dict[str, Any]:
        """What Heat keeps of the group's latest step: `scaling_in_progress`, and `cooldown_end` with a moment in UTC."""
        found: dict[str, Any] = self._call("GET", f"{stack.path}/resources/{GROUP}/metadata", deadline)["metadata"]
        return found

    def signal(self, stack: Stack, resource: str, word: str, deadline: Deadline) -> None:
        """Signal a policy; `word` shows in the event of a signal that was not dropped."""
        details = {"previous": "ok", "current": "alarm", "reason": word}
        path = f"{stack.path}/resources/{resource}/signal"
        self._client.call(_SERVICE, "POST", path, json=details, again=False, deadline=deadline)

    def was_taken(self, stack: Stack, resource: str, word: str, deadline: Deadline) -> bool:
        """Whether the signal that carried `word` counted."""
        path, query = f"{stack.path}/resources/{resource}/events", {"sort_dir": "desc"}
        events = self._client.pages(_SERVICE, path, "events", query=query, deadline=deadline)
        return any(word in (event["resource_status_reason"] or "") for event in events)

    def _read(self, found: Mapping[str, Any], deadline: Deadline) -> Stack:
        record = read_record(found)
        path = f"/stacks/{found['stack_name']}/{found['id']}/resources"
        if found["stack_status"] == "DELETE_COMPLETE":
            return Stack(record, found, (), ())
        resources = self._call("GET", path, deadline, query={"nested_depth": 2})["resources"]
        query = {"tags": member_tag(record.token)}
        servers = [*self._client.pages("compute", "/servers/detail", "servers", query=query, deadline=deadline)]
        return Stack(record, found, resources, servers)

    def _doors(self, record: Record, deadline: Deadline) -> list[Door]:
        """The pools of the group's balancers, those of one that is gone left out."""
        doors = []
        for balancer in record.balancers:
            query = {"loadbalancer_id": balancer}
            for pool in self._client.pages("load_balancer", "/lbaas/pools", "pools", query=query, deadline=deadline):
                told = {name: word(pool["tags"], name) for name in ("port", "check", "through")}
                port, check = told["port"], told["check"]
                if port is not None:
                    wanted = {"pool": pool["id"], "port": int(port), "check": int(check) if check else None}
                    doors.append(Door(**wanted, through=told["through"]))
        return doors

    def _call(self, method: str, path: str, deadline: Deadline, **more: Any) -> Any:
        return self._client.call(_SERVICE, method, path, deadline=deadline, **more)


def read_record(found: Mapping[str, Any]) -> Record:
    """What a stack was made from, by its description."""
    return Record.model_validate_json(found["parameters"]["record"])


def _path(resource: Mapping[str, Any]) -> str:
    """Where a resource is, from the link to the nested stack that it is in."""
    stack = next(link["href"] for link in resource["links"] if link["rel"] == "stack")
    return f"/stacks/{stack.partition('/stacks/')[2]}/resources/{resource['resource_name']}"
