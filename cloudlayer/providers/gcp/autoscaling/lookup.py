"""Managed instance groups as they are now, those of a zone and those of the region alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.autoscaling.groups import told
from cloudlayer.providers.gcp.client import Client, basename

ABSENT: Final = "GroupNotFound"
"""Our code for a group that is not there: it is looked for in all zones and the region, and a list is then empty."""


class GroupLookup:
    """Looks up groups in one region."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def service(self, manager: Any, kind: str = "instance_group_managers") -> tuple[str, dict[str, Any]]:
        """The SDK's service for what is beside a manager, in its zone or in the region, and what its requests say of that."""
        if manager.zone:
            return kind, {"zone": basename(manager.zone)}
        return f"region_{kind}", {"region": self._client.region}

    def all(self, deadline: Deadline) -> Iterator[Any]:
        """The managers of all groups."""
        return self._client.everywhere("instance_group_managers", deadline=deadline)

    def named(self, prefix: str, deadline: Deadline) -> set[str]:
        """The names of the groups whose names begin so."""
        found = self._client.everywhere("instance_group_managers", filter=f"name eq {prefix}.*", deadline=deadline)
        return {manager.name for manager in found}

    def find(self, id: str, deadline: Deadline) -> Any:
        """A group's manager; None if it is not there."""
        return next(self._client.everywhere("instance_group_managers", filter=f'(name = "{id}")', deadline=deadline), None)

    def found(self, id: str, deadline: Deadline) -> Any:
        """A group's manager; NotFound if it is not there."""
        manager = self.find(id, deadline)
        if manager is None:
            raise NotFound(f"scaling group {id} is not there", provider="gcp", code=ABSENT)
        return manager

    def managed(self, manager: Any, deadline: Deadline) -> list[Any]:
        """The instances that a manager has, or is about to make; none if it went a moment ago."""
        return list(self._listed(manager, "list_managed_instances", "managed_instances", deadline))

    def autoscaler(self, manager: Any, deadline: Deadline) -> Any:
        """A group's autoscaler; None if it has none."""
        service, place = self.service(manager, "autoscalers")
        with suppress(NotFound):
            return self._client.call(service, "get", autoscaler=manager.name, deadline=deadline, **place)
        return None

    def last_error(self, manager: Any, deadline: Deadline) -> str | None:
        """The latest error of a manager's work, in a line; None if there is none."""
        errors = self._listed(manager, "list_errors", "items", deadline)
        latest = max(errors, key=lambda error: str(error.timestamp), default=None)
        return told(latest.error) if latest is not None else None

    def _listed(self, manager: Any, method: str, key: str, deadline: Deadline) -> Iterable[Any]:
        service, place = self.service(manager)
        with suppress(NotFound):
            yield from self._client.pages(
                service, method, key=key, instance_group_manager=manager.name, deadline=deadline, **place
            )
