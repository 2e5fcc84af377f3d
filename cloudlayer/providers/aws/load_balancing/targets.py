"""Target groups: where a balancer's listeners send to. A listener has one, named after its balancer and its port.

Instances and addresses are registered one by one; an Auto Scaling group is attached, and its members come and go by themselves.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, Unsupported
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.aws.client import Client, filters
from cloudlayer.providers.aws.marks import all_tags
from cloudlayer.providers.aws.places import Places
from cloudlayer.providers.aws.tags import tag_list
from cloudlayer.providers.base.patience import PAUSE, insist
from cloudlayer.resources import TargetHealth, TargetSpec

INSTANCES: Final = "instance"
ADDRESSES: Final = "ip"

_AT_ONCE: Final = 10
"""Target groups of one call of Auto Scaling's."""
_INSTANCES_AT_ONCE: Final = 200

_HEALTH: Final[Mapping[str, str]] = {
    "healthy": "healthy",
    "unhealthy": "unhealthy",
    "unhealthy.draining": "draining",
    "draining": "draining",
    "initial": "initial",
}
_WORST_FIRST: Final = ("unhealthy", "draining", "unknown", "initial", "healthy")
_OURS: Final = re.compile(r"(cl-[0-9a-f]{16})-\d+(-ip)?")
"""A balancer's native name, and a listener's port; then "-ip" where it takes addresses."""
_DELAY: Final = "deregistration_delay.timeout_seconds"
_IN_USE: Final = ("ResourceInUse",)
_COPIED: Final = (
    *("Protocol", "Port", "VpcId", "HealthCheckProtocol", "HealthCheckPort", "HealthCheckPath", "Matcher"),
    *("HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount"),
)
"""What a target group is made with, in the words in which it is described too."""
_LEAVING: Final = "Removing"
_LEFT: Final = "Removed"
_NOT_THERE: Final = "Target.NotRegistered"


def kind_of(targets: Sequence[TargetSpec]) -> str:
    """What a balancer for these targets takes: it is one or the other. Unsupported if they are of both kinds."""
    for target in targets:
        if target.address is not None:
            _check_address(target.address)
    kinds = {ADDRESSES if target.address is not None else INSTANCES for target in targets}
    if len(kinds) > 1:
        reason = "targets: a balancer of AWS takes either addresses or instances and groups: make one for each"
        raise Unsupported(reason, provider="aws", code="Unsupported")
    return kinds.pop() if kinds else INSTANCES


def route_name(balancer: str, port: int, kind: str) -> str:
    """The name of the target group that a balancer's listener sends to."""
    return f"{balancer}-{port}" + ("-ip" if kind == ADDRESSES else "")


def require_kind(routes: Sequence[Mapping[str, Any]], kind: str) -> None:
    """Raise Unsupported if the target groups take targets of another kind."""
    if any(route["TargetType"] != kind for route in routes):
        other = "addresses" if kind == INSTANCES else "instances and groups"
        reason = f"targets: this balancer has {other}, and AWS lets it take nothing else beside: make another one"
        raise Unsupported(reason, provider="aws", code="Unsupported")


class Targets:
    """Target groups in one region, and what is in them."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._places = Places(client)

    def of_balancer(self, balancer: str, deadline: Deadline) -> list[dict[str, Any]]:
        """The target groups of a balancer's listeners; NotFound if the balancer is not there."""
        try:
            return list(self._described(deadline, LoadBalancerArn=balancer))
        except NotFound as error:
            if error.code == "TargetGroupNotFound":
                return []
            raise

    def named(self, balancer: str, deadline: Deadline) -> list[dict[str, Any]]:
        """The target groups made for the balancer of a name, be it there or not."""
        return [found for found in self._described(deadline) if owner_of(found) == balancer]

    def all(self, deadline: Deadline) -> list[dict[str, Any]]:
        """Every target group."""
        return list(self._described(deadline))

    def balancers(self, routes: Iterable[str], deadline: Deadline) -> tuple[str, ...]:
        """The balancers that send to target groups, by their ids."""
        wanted = list(routes)
        if not wanted:
            return ()
        found = [route for route in self._described(deadline) if route["TargetGroupArn"] in wanted]
        return tuple(dict.fromkeys(balancer for route in found for balancer in route.get("LoadBalancerArns", ())))

    def make(self, name: str, wanted: Mapping[str, Any], tags: Mapping[str, str], drain: int, deadline: Deadline) -> str:
        """A target group with that name, parameters and tags, made by this call or an earlier one; `drain` in seconds."""
        try:
            made = self._balancing("create_target_group", deadline, Name=name, Tags=tag_list(tags), **wanted)
        except Conflict:
            made = self._balancing("describe_target_groups", deadline, Names=[name])
        route = str(made["TargetGroups"][0]["TargetGroupArn"])
        delay = {"Key": _DELAY, "Value": str(drain)}
        self._balancing("modify_target_group_attributes", deadline, TargetGroupArn=route, Attributes=[delay])
        return route

    def copy(self, route: Mapping[str, Any], name: str, kind: str, deadline: Deadline) -> str:
        """A target group like another one, for targets of another kind."""
        arn = route["TargetGroupArn"]
        wanted = {word: route[word] for word in _COPIED if route.get(word) is not None}
        tags = all_tags(self._balancing("describe_tags", deadline, ResourceArns=[arn])["TagDescriptions"][0]["Tags"])
        found = self._balancing("describe_target_group_attributes", deadline, TargetGroupArn=arn)["Attributes"]
        drain = next(int(item["Value"]) for item in found if item["Key"] == _DELAY)
        return self.make(name, {**wanted, "TargetType": kind}, tags, drain, deadline)

    def drop(self, route: str, deadline: Deadline) -> None:
        """Delete a target group, once no listener uses it; one that is not there is no error."""

        def attempt() -> None:
            with suppress(NotFound):
                self._balancing("delete_target_group", deadline, TargetGroupArn=route)

        insist(attempt, _IN_USE, self._clock, deadline, f"waiting for {route} to be free")

    def are_empty(self, routes: Sequence[str], deadline: Deadline) -> bool:
        """Whether no target is in the target groups, nor on its way out, and no group attached."""
        if any(self._known(route, deadline) for route in routes):
            return False
        attached = (set(found.get("TargetGroupARNs", ())) for found in self._groups([], deadline))
        return not any(group & set(routes) for group in attached)

    def check(self, targets: Sequence[TargetSpec], deadline: Deadline) -> None:
        """Raise NotFound for an instance or group that is not there: AWS takes unknown instances as they come."""
        instances = [target.instance for target in targets if target.instance is not None]
        groups = [target.group for target in targets if target.group is not None]
        present: set[str] = set()
        for start in range(0, len(instances), _INSTANCES_AT_ONCE):
            present |= self._instances(instances[start : start + _INSTANCES_AT_ONCE], deadline)
        present |= {found["AutoScalingGroupName"] for found in self._groups(groups, deadline)} if groups else set()
        absent = [name for name in (*instances, *groups) if name not in present]
        if absent:
            message = f"targets: {', '.join(absent)} are not there; none was added"
            raise NotFound(message, provider="aws", code="TargetNotFound")

    def register(self, routes: Sequence[str], targets: Sequence[TargetSpec], vpc: str, deadline: Deadline) -> None:
        """Put the targets into each target group of a network."""
        single = [self._description(target, vpc, deadline) for target in targets if target.group is None]
        for route in routes:
            if single:
                self._balancing("register_targets", deadline, TargetGroupArn=route, Targets=single)
        for group in (target.group for target in targets if target.group is not None):
            self.attach(group, routes, deadline)

    def deregister(self, routes: Sequence[str], targets: Sequence[TargetSpec], deadline: Deadline) -> None:
        """Take the targets out of each target group, and wait until they are out."""
        names = {target.id for target in targets if target.group is None}
        for route in routes:
            present = self._present(route, deadline)
            present = {name: present[name] for name in names & present.keys()}
            if present:
                leaving = [present[name] for name in sorted(present)]
                self._balancing("deregister_targets", deadline, TargetGroupArn=route, Targets=leaving)
        groups = [target.group for target in targets if target.group is not None]
        for group in groups:
            self.detach(group, routes, deadline)
        self._until(lambda: not any(names & set(self._known(route, deadline)) for route in routes), deadline)
        self._until(lambda: not any(self._attached(group, deadline).keys() & set(routes) for group in groups), deadline)

    def attach(self, group: str, routes: Sequence[str], deadline: Deadline) -> None:
        """Let the members of a group be targets."""
        for chunk in _chunks(routes):
            self._scaling("attach_load_balancer_target_groups", deadline, AutoScalingGroupName=group, TargetGroupARNs=chunk)

    def detach(self, group: str, routes: Sequence[str], deadline: Deadline) -> None:
        """Let the members of a group be targets no more; no error if they are none, or the group is gone."""
        present = self._attached(group, deadline)
        for chunk in _chunks(sorted(route for route in routes if present.get(route) not in (None, _LEAVING))):
            self._scaling("detach_load_balancer_target_groups", deadline, AutoScalingGroupName=group, TargetGroupARNs=chunk)

    def detach_all(self, routes: Sequence[str], deadline: Deadline) -> None:
        """Detach every group that is attached to one of the target groups."""
        for found in self._groups([], deadline):
            if set(found.get("TargetGroupARNs", ())) & set(routes):
                self.detach(found["AutoScalingGroupName"], routes, deadline)

    def health(self, routes: Sequence[str], deadline: Deadline) -> list[TargetHealth]:
        """The health of every target, the worst of the target groups."""
        worst: dict[str, TargetHealth] = {}
        for route in routes:
            for name, found in self._known(route, deadline).items():
                seen = _health(name, found["TargetHealth"])
                if name not in worst or _rank(seen) < _rank(worst[name]):
                    worst[name] = seen
        return [worst[name] for name in sorted(worst)]

    def _until(self, done: Callable[[], bool], deadline: Deadline) -> None:
        while not done():
            deadline.check("waiting for targets to finish; the same call goes on with it")
            self._clock.sleep(min(PAUSE, deadline.remaining()))

    def _description(self, target: TargetSpec, vpc: str, deadline: Deadline) -> dict[str, Any]:
        """A target as AWS writes it: of an address outside of the network it wants to be told so."""
        if target.address is None or self._places.holds(vpc, target.address, deadline):
            return {"Id": target.id}
        return {"Id": target.id, "AvailabilityZone": "all"}

    def _present(self, route: str, deadline: Deadline) -> dict[str, dict[str, Any]]:
        """What is registered and not on its way out, as it was registered."""
        known = self._known(route, deadline)
        return {name: found["Target"] for name, found in known.items() if found["TargetHealth"]["State"] != "draining"}

    def _known(self, route: str, deadline: Deadline) -> dict[str, dict[str, Any]]:
        """Descriptions of the targets in a target group, those on their way out among them."""
        answer = self._balancing("describe_target_health", deadline, TargetGroupArn=route)
        listed = {found["Target"]["Id"]: found for found in answer["TargetHealthDescriptions"]}
        return {name: found for name, found in listed.items() if found["TargetHealth"].get("Reason") != _NOT_THERE}

    def _attached(self, group: str, deadline: Deadline) -> dict[str, str]:
        """The target groups that a group is attached to, those that it is leaving among them, with how far that is."""
        if not list(self._groups([group], deadline)):
            return {}
        found = self._client.pages(
            "describe_load_balancer_target_groups",
            "LoadBalancerTargetGroups",
            service="autoscaling",
            AutoScalingGroupName=group,
            deadline=deadline,
        )
        return {item["LoadBalancerTargetGroupARN"]: item["State"] for item in found if item["State"] != _LEFT}

    def _instances(self, ids: Sequence[str], deadline: Deadline) -> set[str]:
        pages = self._client.pages(
            "describe_instances", "Reservations", Filters=filters(instance_id=list(ids)), deadline=deadline
        )
        found = [instance for reservation in pages for instance in reservation["Instances"]]
        return {item["InstanceId"] for item in found if item["State"]["Name"] not in ("shutting-down", "terminated")}

    def _groups(self, names: Sequence[str], deadline: Deadline) -> Iterator[dict[str, Any]]:
        wanted: dict[str, Any] = {"AutoScalingGroupNames": list(names)} if names else {}
        return self._client.pages(
            "describe_auto_scaling_groups", "AutoScalingGroups", service="autoscaling", deadline=deadline, **wanted
        )

    def _described(self, deadline: Deadline, **wanted: Any) -> Iterator[dict[str, Any]]:
        return self._client.pages("describe_target_groups", "TargetGroups", service="elbv2", deadline=deadline, **wanted)

    def _balancing(self, operation: str, deadline: Deadline, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, service="elbv2", deadline=deadline, **parameters)

    def _scaling(self, operation: str, deadline: Deadline, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, service="autoscaling", deadline=deadline, **parameters)


def _check_address(address: str) -> None:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise InvalidSpec(f'targets.address: "{address}" is no IP address; give one, such as "10.0.0.7"') from None


def owner_of(route: Mapping[str, Any]) -> str:
    """The name of the balancer that a target group of ours was made for; empty if it is none of ours."""
    match = _OURS.fullmatch(str(route["TargetGroupName"]))
    return match.group(1) if match else ""


def counters(routes: Iterable[Mapping[str, Any]]) -> list[str]:
    """The labels under which an application balancer counts requests, one a target group; none for a network one's."""
    return [
        f"{balancer.rpartition(':loadbalancer/')[2]}/{route['TargetGroupArn'].rpartition(':')[2]}"
        for route in routes
        for balancer in route.get("LoadBalancerArns", ())
        if ":loadbalancer/app/" in balancer
    ]


def _chunks(routes: Sequence[str]) -> Iterator[list[str]]:
    return (list(routes[start : start + _AT_ONCE]) for start in range(0, len(routes), _AT_ONCE))


def _health(name: str, found: Mapping[str, Any]) -> TargetHealth:
    reason = found.get("Description") or found.get("Reason") or None
    return TargetHealth(name, _HEALTH.get(found["State"], "unknown"), reason)  # type: ignore[arg-type]


def _rank(health: TargetHealth) -> int:
    return _WORST_FIRST.index(health.state)
