"""Autoscalers: a group has one, of its own name, where a policy of its own asks for one."""

from __future__ import annotations

from typing import Any

from cloudlayer.errors import Conflict
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.autoscaling.lookup import GroupLookup
from cloudlayer.providers.gcp.autoscaling.plans import Plan, autoscaling_policy
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.codes import EXISTS
from cloudlayer.providers.gcp.facts import describe


class Autoscalers:
    """The autoscalers of groups in one region."""

    def __init__(self, client: Client, lookup: GroupLookup) -> None:
        self._client = client
        self._lookup = lookup

    def apply(self, manager: Any, plan: Plan, deadline: Deadline) -> None:
        """Give the group the autoscaler that its policies ask for, or take away the one that they do not."""
        if not plan.autoscales:
            self.remove(manager, deadline)
            return
        service, place = self._lookup.service(manager, "autoscalers")
        wanted = {
            "name": manager.name,
            "target": manager.self_link,
            "description": describe(plan.labels, {"region": plan.region}),
            "autoscaling_policy": autoscaling_policy(plan.spec),
        }
        if self._lookup.autoscaler(manager, deadline) is None:
            try:
                self._client.run(service, "insert", autoscaler_resource=wanted, deadline=deadline, **place)
            except Conflict as error:
                if error.code not in EXISTS:
                    raise
            else:
                return
        self._client.run(service, "update", autoscaler=manager.name, autoscaler_resource=wanted, deadline=deadline, **place)

    def remove(self, manager: Any, deadline: Deadline) -> None:
        """Delete the group's autoscaler, if it has one."""
        if manager.status.autoscaler:
            service, place = self._lookup.service(manager, "autoscalers")
            self._client.remove(service, autoscaler=manager.name, wait=True, deadline=deadline, **place)
