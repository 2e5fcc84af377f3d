"""The limits of an account in a region: from Service Quotas, with the use that EC2 and the others tell by their lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer.errors import PermissionDenied
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client, filters
from cloudlayer.providers.aws.compute.catalogue import Catalogue
from cloudlayer.resources import Quota

_PAGE: Final = 100
_GIB_A_TIB: Final = 1024
_ALIVE: Final = ["pending", "running", "stopping", "shutting-down"]


@dataclass(frozen=True, slots=True)
class _Limit:
    """A quota of AWS's: where it is, our name for it, and which figure of which count says how much of it is used."""

    service: str
    code: str
    name: str
    count: str
    key: str = ""


_FAMILIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"), "standard"),
    **dict.fromkeys(("g", "gr", "vt"), "G and VT"),
    "p": "P",
}
"""The family that a machine type counts for, by the letters that its name begins with."""

_LIMITS: Final = (
    _Limit("ec2", "L-1216C47A", "vCPUs of standard instances, on demand", "vcpus", "on-demand standard"),
    _Limit("ec2", "L-DB2E81BA", "vCPUs of G and VT instances, on demand", "vcpus", "on-demand G and VT"),
    _Limit("ec2", "L-417A185B", "vCPUs of P instances, on demand", "vcpus", "on-demand P"),
    _Limit("ec2", "L-34B43A08", "vCPUs of standard instances, spot", "vcpus", "spot standard"),
    _Limit("ec2", "L-3819A6DF", "vCPUs of G and VT instances, spot", "vcpus", "spot G and VT"),
    _Limit("ec2", "L-7212CCBC", "vCPUs of P instances, spot", "vcpus", "spot P"),
    _Limit("ebs", "L-7A658B76", "TiB of gp3 volumes", "tebibytes", "gp3"),
    _Limit("ebs", "L-D18FCD1D", "TiB of gp2 volumes", "tebibytes", "gp2"),
    _Limit("ebs", "L-09BD8365", "TiB of io2 volumes", "tebibytes", "io2"),
    _Limit("ebs", "L-FD252861", "TiB of io1 volumes", "tebibytes", "io1"),
    _Limit("ebs", "L-309BACF6", "snapshots", "snapshots"),
    _Limit("autoscaling", "L-CDE20ADC", "scaling groups", "groups"),
    _Limit("elasticloadbalancing", "L-53DA6B97", "balancers for http and https", "balancers", "application"),
    _Limit("elasticloadbalancing", "L-69A177A2", "balancers for tcp", "balancers", "network"),
    _Limit("elasticloadbalancing", "L-B22855CB", "target groups", "target_groups"),
)


class Quotas:
    """Looks limits up: a list a service, and a list a kind of thing for what is used."""

    def __init__(self, client: Client, catalogue: Catalogue) -> None:
        self._client = client
        self._catalogue = catalogue
        self._counts: Mapping[str, Callable[[Deadline], dict[str, float]]] = {
            "vcpus": self._vcpus,
            "tebibytes": self._tebibytes,
            "snapshots": self._snapshots,
            "groups": self._groups,
            "balancers": self._balancers,
            "target_groups": self._target_groups,
        }

    def all(self, deadline: Deadline) -> list[Quota]:
        """The limits that Service Quotas tells, in one order; none where this user may not ask it, which `check` tells."""
        try:
            limits = {service: self._limits(service, deadline) for service in dict.fromkeys(item.service for item in _LIMITS)}
        except PermissionDenied:
            return []
        used = {count: self._used(count, deadline) for count in dict.fromkeys(item.count for item in _LIMITS)}
        told = ((item, limits[item.service].get(item.code), used[item.count]) for item in _LIMITS)
        return [_quota(item, found, counted) for item, found, counted in told if found is not None]

    def _limits(self, service: str, deadline: Deadline) -> dict[str, Mapping[str, Any]]:
        pages = self._client.pages(
            "list_service_quotas", "Quotas", service="service-quotas", page=_PAGE, ServiceCode=service, deadline=deadline
        )
        return {found["QuotaCode"]: found for found in pages}

    def _used(self, count: str, deadline: Deadline) -> dict[str, float] | None:
        """Figures by key; None where this user may not look."""
        try:
            return self._counts[count](deadline)
        except PermissionDenied:
            return None

    def _vcpus(self, deadline: Deadline) -> dict[str, float]:
        wanted = filters(instance_state_name=_ALIVE)
        reservations = self._client.pages("describe_instances", "Reservations", Filters=wanted, deadline=deadline)
        instances = [found for reservation in reservations for found in reservation["Instances"]]
        return _sums(self._cores(found, deadline) for found in instances)

    def _cores(self, found: Mapping[str, Any], deadline: Deadline) -> tuple[str, float]:
        name = found["InstanceType"]
        letters = re.match("[a-z]*", name)
        family = _FAMILIES.get(letters.group() if letters else "", name)
        purchase = "spot" if found.get("InstanceLifecycle") == "spot" else "on-demand"
        return f"{purchase} {family}", self._catalogue.machine_type(name, deadline).cpu

    def _tebibytes(self, deadline: Deadline) -> dict[str, float]:
        volumes = self._client.pages("describe_volumes", "Volumes", deadline=deadline)
        return _sums((found.get("VolumeType", ""), found["Size"] / _GIB_A_TIB) for found in volumes)

    def _snapshots(self, deadline: Deadline) -> dict[str, float]:
        found = self._client.pages("describe_snapshots", "Snapshots", OwnerIds=["self"], deadline=deadline)
        return _number(found)

    def _groups(self, deadline: Deadline) -> dict[str, float]:
        found = self._client.pages(
            "describe_auto_scaling_groups", "AutoScalingGroups", service="autoscaling", deadline=deadline
        )
        return _number(found)

    def _balancers(self, deadline: Deadline) -> dict[str, float]:
        balancers = self._client.pages("describe_load_balancers", "LoadBalancers", service="elbv2", deadline=deadline)
        return _sums((found["Type"], 1.0) for found in balancers)

    def _target_groups(self, deadline: Deadline) -> dict[str, float]:
        return _number(self._client.pages("describe_target_groups", "TargetGroups", service="elbv2", deadline=deadline))


def _sums(figures: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for key, figure in figures:
        sums[key] = sums.get(key, 0.0) + figure
    return sums


def _number(found: Iterator[Any]) -> dict[str, float]:
    return {"": float(sum(1 for _ in found))}


def _quota(item: _Limit, found: Mapping[str, Any], used: Mapping[str, float] | None) -> Quota:
    raised = (
        f"aws service-quotas request-service-quota-increase --service-code {item.service} --quota-code {item.code} "
        "--desired-value N"
    )
    mend = raised if found.get("Adjustable") else "AWS does not raise it: use another region or account"
    return Quota(item.name, float(found["Value"]), None if used is None else used.get(item.key, 0.0), mend)
