"""Changes of a group that is there: of its manager's fields, one after the other, and of its size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from cloudlayer.errors import Conflict, NotFound, Throttled
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.patience import insist
from cloudlayer.providers.gcp.autoscaling.groups import is_ending, read_group
from cloudlayer.providers.gcp.autoscaling.lookup import GroupLookup
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.codes import NOT_READY, STALE
from cloudlayer.providers.gcp.facts import describe, marks_of

Fields = Callable[[Any], Mapping[str, Any]]
"""The fields that are to change, by the manager as it is; none: it is so."""

_NO_STEP: Final = "PolicyNotFound"


class GroupChanging:
    """Changes groups in one region."""

    def __init__(self, client: Client, lookup: GroupLookup, clock: Clock) -> None:
        self._client = client
        self._lookup = lookup
        self._clock = clock

    def patch(self, id: str, fields: Fields, deadline: Deadline) -> Any:
        """Change fields of a manager, by what it is when it is changed: others may change it too. The manager before that."""

        def attempt() -> Any:
            manager = self._lookup.found(id, deadline)
            wanted = fields(manager)
            if wanted:
                resource = {"fingerprint": manager.fingerprint, **wanted}
                self._call(manager, "patch", deadline, instance_group_manager_resource=resource)
            return manager

        return insist(attempt, (*STALE, *NOT_READY), self._clock, deadline, f"waiting for an earlier change of {id}")

    def mark(self, id: str, deadline: Deadline, **facts: Any) -> Any:
        """Write facts about a group down; those that are None are taken away."""

        def fields(manager: Any) -> Mapping[str, Any]:
            marks, present = marks_of(manager.description)
            wanted = {name: value for name, value in {**present, **facts}.items() if value is not None}
            return {"description": describe(marks, wanted)} if wanted != present else {}

        return self.patch(id, fields, deadline)

    def resize(self, manager: Any, size: int, deadline: Deadline) -> None:
        """Ask for so many members."""

        def attempt() -> None:
            self._call(manager, "resize", deadline, size=size)

        insist(attempt, NOT_READY, self._clock, deadline, f"waiting for an earlier change of {manager.name}")

    def step(self, id: str, policy: str, deadline: Deadline) -> None:
        """Take a step. Whoever writes down that it is taken takes it; a cooldown is waited out within the deadline."""
        while True:
            manager = self._lookup.found(id, deadline)
            step_of(manager, policy)
            left = self._left(manager)
            if left >= deadline.remaining():
                message = f"group {id} is within a cooldown: come again in {left:.0f} s"
                raise Throttled(message, retry_after=left, provider="gcp", code="Cooldown")
            self._clock.sleep(left)
            if self._claimed(id, policy, deadline):
                break
        manager = self._lookup.found(id, deadline)
        group, change = read_group(manager, [], self._client.region), step_of(manager, policy)[0]
        self.resize(manager, min(max(manager.target_size + change, group.min), group.max), deadline)

    def _claimed(self, id: str, policy: str, deadline: Deadline) -> bool:
        """Whether the step is ours: written down, when no other's cooldown was begun meanwhile."""
        claimed = False

        def fields(manager: Any) -> Mapping[str, Any]:
            nonlocal claimed
            cooldown = step_of(manager, policy)[1]
            check_sized(manager)
            claimed = self._left(manager) <= 0
            if not claimed:
                return {}
            marks, facts = marks_of(manager.description)
            stepped = [round(self._clock.now(), 1), cooldown]
            return {"description": describe(marks, {**facts, "stepped": stepped})}

        self.patch(id, fields, deadline)
        return claimed

    def _left(self, manager: Any) -> float:
        """Seconds until the cooldown of the last step is over."""
        since, cooldown = marks_of(manager.description)[1].get("stepped", (0.0, 0.0))
        return max(0.0, float(since) + float(cooldown) - self._clock.now())

    def _call(self, manager: Any, method: str, deadline: Deadline, **fields: Any) -> None:
        service, place = self._lookup.service(manager)
        self._client.run(service, method, instance_group_manager=manager.name, deadline=deadline, **place, **fields)


def step_of(manager: Any, policy: str) -> tuple[int, float]:
    """The change and the cooldown of a group's step policy; NotFound if it has none of that name."""
    steps = marks_of(manager.description)[1].get("steps", {})
    if policy not in steps:
        raise NotFound(f"group {manager.name} has no step policy {policy}", provider="gcp", code=_NO_STEP)
    change, cooldown = steps[policy]
    return change, cooldown


def check_sized(manager: Any) -> None:
    """Raise Conflict for a group that is being deleted, or whose size is its autoscaler's."""
    if is_ending(manager):
        raise Conflict(f"{manager.name} is being deleted: make a new one", provider="gcp", code="GroupIsEnding")
    if manager.status.autoscaler:
        message = f"{manager.name} has policies by which its autoscaler sets the size: change min and max, or the policies"
        raise Conflict(message, provider="gcp", code="Autoscaled")
