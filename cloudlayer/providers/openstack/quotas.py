"""The limits of a project, as each service tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.openstack.client import Client
from cloudlayer.resources import Quota

_COMPUTE: Final = {"instances": "maxTotalInstances totalInstancesUsed", "cores": "maxTotalCores totalCoresUsed"} | {
    "memory in MiB": "maxTotalRAMSize totalRAMUsed",
    "server groups": "maxServerGroups totalServerGroupsUsed",
}
_STORAGE: Final = {
    "volumes": "maxTotalVolumes totalVolumesUsed",
    "snapshots": "maxTotalSnapshots totalSnapshotsUsed",
    "size of volumes in GiB": "maxTotalVolumeGigabytes totalGigabytesUsed",
}
"""Our name, and the service's own words for the limit and for what is used of it."""
_NETWORK: Final = {
    "ports": "port",
    "floating IPs": "floatingip",
    "security groups": "security_group",
    "security group rules": "security_group_rule",
}
_BALANCERS: Final = {
    "load balancers": "load_balancer",
    "listeners": "listener",
    "pools": "pool",
    "health monitors": "health_monitor",
    "members of pools": "member",
}


class Quotas:
    """Reads them. -1 stands for no limit in each service."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(self, deadline: Deadline) -> list[Quota]:
        """Every limit, of those services that the catalogue has."""
        found = [*self._absolute("compute", _COMPUTE, deadline), *self._network(deadline)]
        if self._client.has("block-storage"):
            found += self._absolute("block_storage", _STORAGE, deadline)
        if self._client.has("load-balancer"):
            found += self._balancers(deadline)
        return found

    def _absolute(self, service: str, words: Mapping[str, str], deadline: Deadline) -> Iterator[Quota]:
        limits = self._client.call(service, "GET", "/limits", deadline=deadline)["limits"]["absolute"]
        for name, pair in words.items():
            limit, used = (limits.get(word) for word in pair.split())
            yield from _quota(name, limit, used, service.replace("_", "-"))

    def _network(self, deadline: Deadline) -> Iterator[Quota]:
        path = f"/quotas/{self._project()}/details"
        quotas: dict[str, Any] = self._client.call("network", "GET", path, deadline=deadline)["quota"]
        for name, word in _NETWORK.items():
            told = quotas.get(word, {})
            yield from _quota(name, told.get("limit"), told.get("used"), "network")

    def _balancers(self, deadline: Deadline) -> Iterator[Quota]:
        path = f"/lbaas/quotas/{self._project()}"
        quotas: dict[str, Any] = self._client.call("load_balancer", "GET", path, deadline=deadline)["quota"]
        for name, word in _BALANCERS.items():
            yield from _quota(name, quotas.get(word), None, "loadbalancer")

    def _project(self) -> str:
        return str(self._client.connection.current_project_id)


def _quota(name: str, limit: int | None, used: int | None, service: str) -> Iterator[Quota]:
    if limit is not None and limit >= 0:
        mend = f"ask the operator for more: openstack {service} quota set, or quota set PROJECT"
        yield Quota(name, limit, used, mend)
