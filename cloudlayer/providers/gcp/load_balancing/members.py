"""Who is in the groups that a balancer sends to, by the groups' URLs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.patience import insist
from cloudlayer.providers.gcp.client import Client, basename
from cloudlayer.providers.gcp.codes import NOT_READY, STALE
from cloudlayer.providers.gcp.compute.instances import instance_id, split_id
from cloudlayer.providers.gcp.load_balancing.pieces import ENDPOINTS

_MEMBERS: Final = ("memberAlreadyExists", "MEMBER_ALREADY_EXISTS")


def place(url: str) -> tuple[str, str]:
    """The scope of a group by its URL ("zones" or "regions"), and the scope's name."""
    scope, name = url.split("/")[-4:-2]
    return scope, name


def is_of_endpoints(url: str) -> bool:
    """Whether the URL leads to a group of endpoints and not of machines."""
    return f"/{ENDPOINTS.word}/" in url


def id_of(member: Any) -> str:
    """A member as it was registered: an instance's id, or an address."""
    return instance_of(member.instance) if getattr(member, "instance", "") else str(member.network_endpoint.ip_address)


def instance_of(url: str) -> str:
    """The id of the instance at a URL."""
    zone, name = url.split("/")[-3], basename(url)
    return instance_id(zone, name)


def _drains(member: Any) -> bool:
    """Whether an endpoint was taken out and finishes what it has begun; of an instance nothing tells so."""
    return any(health.health_state == "DRAINING" for health in getattr(member, "healths", ()))


class Members:
    """Reads and changes groups in one region."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def of(self, url: str, deadline: Deadline) -> list[Any]:
        """The members of a group but for those that are on their way out; none if it is not there."""
        scope, name = place(url)
        with suppress(NotFound):
            if is_of_endpoints(url):
                wanted: dict[str, Any] = {"network_endpoint_group": basename(url), "zone": name}
                body: dict[str, Any] = {"network_endpoint_groups_list_endpoints_request_resource": {"health_status": "SHOW"}}
                service, method = "network_endpoint_groups", "list_network_endpoints"
            elif scope == "zones":
                wanted = {"instance_group": basename(url), "zone": name}
                body = {"instance_groups_list_instances_request_resource": {"instance_state": "ALL"}}
                service, method = "instance_groups", "list_instances"
            else:
                wanted = {"instance_group": basename(url), "region": name}
                body = {"region_instance_groups_list_instances_request_resource": {"instance_state": "ALL"}}
                service, method = "region_instance_groups", "list_instances"
            found = self._client.pages(service, method, deadline=deadline, **wanted, **body)
            return [member for member in found if not _drains(member)]
        return []

    def add_instances(self, url: str, instances: Sequence[str], deadline: Deadline) -> None:
        """Put instances into a zone's group, those that are not in it."""
        new = sorted(set(instances) - {id_of(member) for member in self.of(url, deadline)})
        if not new:
            return
        try:
            self._change_instances("add", url, new, deadline)
        except Conflict as error:
            if error.code not in _MEMBERS:
                raise
            self.add_instances(url, instances, deadline)  # somebody else put one of them in since it was looked

    def add_addresses(self, url: str, addresses: Sequence[str], port: int, deadline: Deadline) -> None:
        """Put addresses into a group of endpoints, at a port, those that are not in it."""
        new = sorted(set(addresses) - {id_of(member) for member in self.of(url, deadline)})
        if new:
            self._change_endpoints("attach", url, [{"ip_address": each, "port": port} for each in new], deadline)

    def remove(self, url: str, names: Collection[str], deadline: Deadline) -> None:
        """Take instances, or addresses, out of a group; those that are not in it are no error."""
        leaving = [member for member in self.of(url, deadline) if id_of(member) in names]
        if not leaving:
            return
        if is_of_endpoints(url):
            endpoints = [member.network_endpoint for member in leaving]
            gone = [{"ip_address": each.ip_address, "port": each.port} for each in endpoints]
            self._change_endpoints("detach", url, gone, deadline)
        else:
            self._change_instances("remove", url, [id_of(member) for member in leaving], deadline)

    def name_ports(self, url: str, wanted: Sequence[Mapping[str, Any]], deadline: Deadline) -> None:
        """Let an instance group know ports by names, besides those that it knows."""
        scope, name = place(url)
        where: dict[str, Any]
        prefix, where = ("region_", {"region": name}) if scope == "regions" else ("", {"zone": name})
        service = f"{prefix}instance_groups"
        named: dict[str, Any] = {"instance_group": basename(url), **where}
        new = {port["name"]: port["port"] for port in wanted}

        def attempt() -> None:
            found = self._client.call(service, "get", deadline=deadline, **named)
            known = {port.name: port.port for port in found.named_ports}
            if new.items() <= known.items():
                return
            ports = [{"name": key, "port": value} for key, value in sorted({**known, **new}.items())]
            body = {"fingerprint": found.fingerprint, "named_ports": ports}
            request: dict[str, Any] = {f"{prefix}instance_groups_set_named_ports_request_resource": body}
            self._client.run(service, "set_named_ports", deadline=deadline, **named, **request)

        clock = self._client.retries.clock
        insist(attempt, (*STALE, *NOT_READY), clock, deadline, f"naming the ports of {basename(url)}")

    def _change_instances(self, verb: str, url: str, instances: Sequence[str], deadline: Deadline) -> None:
        named: dict[str, Any] = {"instance_group": basename(url), "zone": place(url)[1]}
        links = [{"instance": self._link(each)} for each in instances]
        body: dict[str, Any] = {f"instance_groups_{verb}_instances_request_resource": {"instances": links}}
        self._client.run("instance_groups", f"{verb}_instances", deadline=deadline, **named, **body)

    def _change_endpoints(self, verb: str, url: str, endpoints: Sequence[Mapping[str, Any]], deadline: Deadline) -> None:
        named: dict[str, Any] = {"network_endpoint_group": basename(url), "zone": place(url)[1]}
        body: dict[str, Any] = {
            f"network_endpoint_groups_{verb}_endpoints_request_resource": {"network_endpoints": list(endpoints)}
        }
        self._client.run("network_endpoint_groups", f"{verb}_network_endpoints", deadline=deadline, **named, **body)

    def _link(self, instance: str) -> str:
        zone, name = split_id(instance)
        return self._client.link("instances", name, zone=zone)
